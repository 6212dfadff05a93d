package jetstream

import (
	"context"
	"fmt"

	"patchbay/core/internal/store"
)

// Recover implements [store.Log]. It restarts the embedded server: after a failed write the server refuses all further
// writes, and a record without an answer can still be in its queue.
func (l *Log) Recover(ctx context.Context) (uint64, error) {
	last, err := l.recover(ctx)
	if err != nil {
		return 0, fmt.Errorf("recover the store in %s: %w", l.options.Dir, err)
	}
	return last, nil
}

func (l *Log) recover(ctx context.Context) (uint64, error) {
	l.engineMu.Lock()
	defer l.engineMu.Unlock()
	e, err := l.running()
	if l.closed.Load() {
		return 0, err
	}
	before := l.Bounds()
	if err != nil || l.inDoubt.Load() {
		if err := l.waitForSpace(ctx); err != nil {
			return 0, err
		}
		if err := l.restart(ctx); err != nil {
			return 0, err
		}
		e = l.engine.Load()
	}
	bounds, err := l.refreshBounds(ctx, e)
	if err != nil {
		return 0, err
	}
	if err := l.fillLostTail(ctx, e, before.First, before.Last); err != nil {
		return 0, err
	}
	l.inDoubt.Store(false)
	return max(bounds.Last, before.Last), nil
}

// restart stops the engine, if one is running, and starts a new one.
func (l *Log) restart(ctx context.Context) error {
	if e := l.engine.Swap(nil); e != nil {
		l.logger.Warn("store restarts", "dir", l.options.Dir)
		e.stop()
	}
	known, err := l.folder.format()
	if err != nil {
		return err
	}
	if err := l.start(ctx, known.Streams); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	l.logger.Info("store restarted", "dir", l.options.Dir)
	return nil
}
