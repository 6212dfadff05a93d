package jetstream

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/store"
)

// spacePoll is how often Recover looks whether there is room again.
const spacePoll = 200 * time.Millisecond

// Recover implements [store.Log]. The server keeps refusing to write after the first write that failed, and a record
// may still be on its way through it; both end only with the server. So this one is stopped and a new one started.
func (l *Log) Recover(ctx context.Context) (uint64, error) {
	last, err := l.recover(ctx)
	if err != nil {
		return 0, fmt.Errorf("recover the store in %s: %w", l.options.Dir, err)
	}
	return last, nil
}

func (l *Log) recover(ctx context.Context) (uint64, error) {
	l.life.Lock()
	defer l.life.Unlock()
	e, err := l.running()
	if l.closed.Load() {
		return 0, err
	}
	held := l.Bounds()
	if err != nil || l.doubt.Load() {
		if err := l.awaitSpace(ctx); err != nil {
			return 0, err
		}
		if err := l.restart(ctx); err != nil {
			return 0, err
		}
		e = l.engine.Load()
	}
	bounds, err := l.refresh(ctx, e)
	if err != nil {
		return 0, err
	}
	if err := l.mend(ctx, e, held.First, held.Last); err != nil {
		return 0, err
	}
	l.doubt.Store(false)
	return max(bounds.Last, held.Last), nil
}

// restart ends the engine, if there is one, and starts the next.
func (l *Log) restart(ctx context.Context) error {
	if e := l.engine.Swap(nil); e != nil {
		l.logger.Warn("store restarts its server", "dir", l.options.Dir)
		e.stop()
	}
	known, err := l.folder.format()
	if err != nil {
		return err
	}
	if err := l.start(ctx, known.Streams); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	l.logger.Info("store is back", "dir", l.options.Dir)
	return nil
}

// awaitSpace waits until there is more room on the disk than the reserve.
func (l *Log) awaitSpace(ctx context.Context) error {
	tick := time.NewTicker(spacePoll)
	defer tick.Stop()
	for {
		free, err := l.sample()
		if err != nil {
			return err
		}
		// The record in doubt and a new index of the server must fit too.
		if free >= l.reserve+2*store.MaxRecord {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %d bytes are free: %w", store.ErrFull, free, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
