package subscription

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// subscriber runs the subscription of one channel. It belongs to one goroutine.
type subscriber struct {
	Channel
	options  *Options
	log      *slog.Logger
	failures int       // subscriptions in a row that ended within healthyAfter and stored nothing
	warned   time.Time // of the last warning that messages wait
}

// run starts one subscription after the other until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	s.options.Observer.Subscribed(s.Name, false)
	for ctx.Err() == nil {
		start := time.Now()
		err := s.subscribe(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) >= healthyAfter {
			s.failures = 0
		}
		wait := delay.Delay(s.failures)
		s.failures++
		if e, ok := errors.AsType[*sdk.Error](err); ok {
			wait = max(wait, min(e.After, cmp.Or(s.MaxPause, e.After)))
		}
		if _, ok := errors.AsType[*plugin.GivenUpError](err); ok {
			wait = max(wait, brokenPause)
		}
		s.logEnd(err, wait)
		sleep(ctx, wait)
	}
}

func (s *subscriber) logEnd(err error, wait time.Duration) {
	switch {
	case errors.Is(err, plugin.ErrNotReady): // the adapter's supervisor logs the reason
		s.log.Debug("adapter is not ready to subscribe", "error", err, "retry_seconds", wait.Seconds())
	case errors.As(err, new(*plugin.GivenUpError)):
		s.log.Error("subscription paused: the adapter broke on it repeatedly", "error", err, "retry_seconds", wait.Seconds())
	case err != nil:
		s.log.Warn("subscription failed", "error", err, "retry_seconds", wait.Seconds())
	default:
		s.log.Info("adapter ended its subscription", "retry_seconds", wait.Seconds())
	}
}

// subscribe waits for the adapter and runs one subscription.
func (s *subscriber) subscribe(ctx context.Context) error {
	if err := s.Host.Wait(ctx); err != nil {
		return err
	}
	from, err := s.position(ctx)
	if err != nil {
		return err
	}
	s.log.Debug("subscribing", "cursor_bytes", len(from.GetCursor()), "threads", len(from.GetThreads()))
	s.options.Observer.Subscribed(s.Name, true)
	defer s.options.Observer.Subscribed(s.Name, false)
	return s.Host.Subscribe(ctx, from, s.store)
}

// position returns the stored cursor and the live threads, both as of the same commit.
func (s *subscriber) position(ctx context.Context) (*pluginpb.SubscribeRequest, error) {
	out := &pluginpb.SubscribeRequest{Channel: s.Name}
	var threads []state.Thread
	err := s.options.Writer.View(ctx, func(state *state.State) {
		out.Cursor, threads = state.Cursor(s.Name), state.LiveThreads(s.Name)
	})
	if err != nil {
		return nil, err
	}
	for i := range threads {
		out.Threads = append(out.Threads, &pluginpb.LiveThread{Thread: threads[i].ID, State: threads[i].State})
	}
	return out, nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
