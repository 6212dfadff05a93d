package jetstream

import (
	"context"
	"errors"
	"fmt"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// Purge implements [store.Log].
func (l *Log) Purge(ctx context.Context, before uint64) error {
	if err := l.purge(ctx, before); err != nil {
		return fmt.Errorf("purge records before %d: %w", before, err)
	}
	return nil
}

func (l *Log) purge(ctx context.Context, before uint64) error {
	e, err := l.running()
	if err != nil {
		return err
	}
	b := l.Bounds()
	// The server would move the next sequence to a before that lies beyond the end.
	before = min(before, b.Last+1)
	if before <= b.First {
		return nil
	}
	// First moves before the records go, so that a Read under way doesn't take them for lost.
	l.mu.Lock()
	l.bounds.First = before
	l.mu.Unlock()
	if err := l.setMark(true); err != nil {
		l.logger.Warn("what the log must hold is not written down", "error", err)
	}
	purgeErr := e.logStream.Purge(ctx, js.WithPurgeSequence(before))
	if purgeErr != nil {
		purgeErr = fmt.Errorf("%w: %w", store.ErrUnavailable, purgeErr)
	}
	_, err = l.refresh(ctx, e)
	return errors.Join(purgeErr, err)
}
