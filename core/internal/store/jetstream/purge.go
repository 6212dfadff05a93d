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
	if !l.backup.TryRLock() {
		return nil // a backup runs and needs the records; the writer purges again later
	}
	defer l.backup.RUnlock()
	e, err := l.runningEngine()
	if err != nil {
		return err
	}
	b := l.Bounds()
	// A purge beyond the end would move the next sequence.
	before = min(before, b.Last+1)
	if before <= b.First {
		return nil
	}
	// Update First before the purge, so that a concurrent Read does not report the purged records as lost.
	l.mu.Lock()
	l.bounds.First = before
	l.mu.Unlock()
	if err := l.updateWatermark(true); err != nil {
		l.logger.Warn("store cannot write its watermark", "error", err)
	}
	purgeErr := e.logStream.Purge(ctx, js.WithPurgeSequence(before))
	if purgeErr != nil {
		purgeErr = fmt.Errorf("%w: %w", store.ErrUnavailable, purgeErr)
	}
	_, err = l.refreshBounds(ctx, e)
	if err == nil { // a purge of all records replaces the folder
		err = l.blocks.reset()
	}
	return errors.Join(purgeErr, err)
}
