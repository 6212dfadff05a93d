package subscription

import "context"

// Set runs the subscriptions of all channels, one goroutine for each. Only one goroutine may call its methods at a time.
type Set struct {
	options Options
	running map[Channel]*running
}

type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Start starts the subscriptions of the channels in the options. They run until Stop.
func Start(o Options) *Set {
	s := &Set{options: o, running: map[Channel]*running{}}
	s.Configure(o.Channels)
	return s
}

// Configure stops the subscriptions that are not in the list, and starts those of the list that do not run.
func (s *Set) Configure(channels []Channel) {
	s.Suspend(channels)
	for _, ch := range channels {
		if s.running[ch] == nil {
			s.start(ch)
		}
	}
}

// Suspend stops the subscriptions that are not in the list: those of removed channels, and of channels with other
// settings. It returns when their adapters have stopped or used up their time to stop. Batches that the adapters emit
// meanwhile are stored.
func (s *Set) Suspend(keep []Channel) {
	kept, names := make(map[Channel]bool, len(keep)), make(map[string]bool, len(keep))
	for _, ch := range keep {
		kept[ch], names[ch.Name] = true, true
	}
	stopping := map[Channel]*running{}
	for ch, r := range s.running {
		if !kept[ch] {
			r.cancel()
			stopping[ch] = r
			delete(s.running, ch)
		}
	}
	for ch, r := range stopping {
		<-r.done
		if !names[ch.Name] {
			s.options.Observer.Unsubscribed(ch.Name)
		}
	}
}

// Stop stops all subscriptions.
func (s *Set) Stop() { s.Suspend(nil) }

func (s *Set) start(ch Channel) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan struct{})}
	s.running[ch] = r
	sub := &subscriber{
		Channel: ch, options: &s.options, log: s.options.Logger.With("channel", ch.Name, "adapter", ch.Adapter),
	}
	go func() {
		defer close(r.done)
		sub.run(ctx)
	}()
}
