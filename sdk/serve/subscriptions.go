package serve

import (
	"context"
	"sync"
)

// subscriptions holds the running subscriptions, at most one per channel. It is safe for concurrent use.
type subscriptions struct {
	mu      sync.Mutex
	running map[string]*subscription
	stopped bool
}

type subscription struct {
	set     *subscriptions
	channel string
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
}

// start registers a subscription after the channel's previous one has ended. It returns an error after stop.
func (s *subscriptions) start(parent context.Context, channel string) (*subscription, error) {
	for {
		s.mu.Lock()
		if s.stopped {
			s.mu.Unlock()
			return nil, errStopping
		}
		previous := s.running[channel]
		if previous == nil {
			sub := &subscription{set: s, channel: channel, done: make(chan struct{})}
			sub.ctx, sub.cancel = context.WithCancel(parent)
			if s.running == nil {
				s.running = map[string]*subscription{}
			}
			s.running[channel] = sub
			s.mu.Unlock()
			return sub, nil
		}
		s.mu.Unlock()
		select {
		case <-previous.done:
		case <-parent.Done():
			return nil, parent.Err()
		}
	}
}

// end removes the subscription.
func (sub *subscription) end() {
	sub.set.mu.Lock()
	delete(sub.set.running, sub.channel)
	sub.set.mu.Unlock()
	sub.cancel()
	close(sub.done)
}

// stop refuses further subscriptions, cancels the running ones and waits for them until ctx ends.
func (s *subscriptions) stop(ctx context.Context) {
	s.mu.Lock()
	s.stopped = true
	all := make([]*subscription, 0, len(s.running))
	for _, sub := range s.running {
		sub.cancel()
		all = append(all, sub)
	}
	s.mu.Unlock()
	for _, sub := range all {
		select {
		case <-sub.done:
		case <-ctx.Done():
			return
		}
	}
}

// count returns the number of running subscriptions.
func (s *subscriptions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)
}
