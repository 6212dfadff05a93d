package listening

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"patchbay/core/internal/adapter"
	"patchbay/core/internal/conversation"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// listener belongs to the goroutine of its channel.
type listener struct {
	Channel
	options *Options
	log     *slog.Logger
	tries   int // failed in a row
}

// run has the adapter listen, again and again, until ctx ends.
func (l *listener) run(ctx context.Context) {
	l.options.Observer.Listening(l.Name, false)
	for ctx.Err() == nil {
		began := time.Now()
		err := l.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= healthyAfter {
			l.tries = 0
		}
		wait := delay.Delay(l.tries)
		l.tries++
		if e, ok := errors.AsType[*sdk.Error](err); ok {
			wait = max(wait, e.After)
		}
		l.tell(err, wait)
		sleep(ctx, wait)
	}
}

func (l *listener) tell(err error, wait time.Duration) {
	switch {
	case errors.Is(err, adapter.ErrNotReady): // its supervisor has said why
		l.log.Debug("can't listen yet", "error", err, "retry_seconds", wait.Seconds())
	case err != nil:
		l.log.Warn("listening failed", "error", err, "retry_seconds", wait.Seconds())
	default:
		l.log.Info("adapter stopped listening", "retry_seconds", wait.Seconds())
	}
}

// listen waits for the adapter and has it listen once.
func (l *listener) listen(ctx context.Context) error {
	if err := l.Host.Wait(ctx); err != nil {
		return err
	}
	from, err := l.from(ctx)
	if err != nil {
		return err
	}
	l.log.Debug("listening", "cursor_bytes", len(from.GetCursor()), "threads", len(from.GetThreads()))
	l.options.Observer.Listening(l.Name, true)
	defer l.options.Observer.Listening(l.Name, false)
	return l.Host.Listen(ctx, from, l.store)
}

// from says where to begin: both parts are of one moment.
func (l *listener) from(ctx context.Context) (*pluginpb.ListenRequest, error) {
	out := &pluginpb.ListenRequest{Channel: l.Name}
	var threads []conversation.Thread
	err := l.options.Writer.View(ctx, func(b *conversation.State) {
		out.Cursor, threads = b.Cursor(l.Name), b.LiveThreads(l.Name)
	})
	if err != nil {
		return nil, err
	}
	for i := range threads {
		out.Threads = append(out.Threads, &pluginpb.ListenThread{Thread: threads[i].ID, State: threads[i].State})
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
