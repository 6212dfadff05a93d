package jetstream

import (
	"context"
	"errors"
	"fmt"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// check compares what the log holds with what it must hold, and takes note of what is missing.
func (l *Log) check(ctx context.Context) error {
	e := l.engine.Load()
	m, err := l.folder.mark()
	if errors.Is(err, store.ErrDamaged) {
		l.logger.Warn("what the log must hold is unknown", "error", err)
	} else if err != nil {
		return err
	}
	l.marked = m
	commit, err := l.newestCommit(ctx, e)
	if err != nil {
		return err
	}
	if first := l.Bounds().First; m.first > 0 && m.first < first {
		l.miss(store.Range{First: m.first, Last: min(first-1, max(m.last, m.first))})
	}
	if err := l.mend(ctx, e, m.first, max(m.last, commit.Reflects)); err != nil {
		return err
	}
	info := e.logStream.CachedInfo()
	if info.State.NumDeleted == 0 {
		return nil
	}
	// Reading everything is slow; it happens only when something is known to be missing.
	bounds := l.Bounds()
	return l.scan(ctx, e, bounds.First, bounds.Last, func(uint64, []byte) error { return nil })
}

// mend moves the end of the log to the record last when the newest records are lost, so that their sequences, which
// other records and snapshots refer to, never name something else. An empty message stands for a lost record. Records
// before first were purged, not lost.
func (l *Log) mend(ctx context.Context, e *engine, first, last uint64) error {
	b := l.Bounds()
	if b.Last >= last {
		return nil
	}
	l.miss(store.Range{First: max(b.Last+1, first), Last: last})
	if b.Empty() { // nothing is left that a purge could hurt
		if err := e.logStream.Purge(ctx, js.WithPurgeSequence(last+1)); err != nil {
			return fmt.Errorf("%w: go on after the lost record %d: %w", store.ErrUnavailable, last, err)
		}
	} else {
		for at := b.Last; at < last; at++ {
			if err := e.logPublisher.publish(ctx, l.names.logSubject, at, nil, answerTimeout); err != nil {
				return fmt.Errorf("fill the place of the lost record %d: %w", at+1, err)
			}
		}
	}
	_, err := l.refresh(ctx, e)
	return err
}
