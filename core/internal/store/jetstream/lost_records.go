package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// findLostRecords compares the log with the watermark, the newest snapshot and the server's count of deleted messages,
// and reports the missing records.
func (l *Log) findLostRecords(ctx context.Context) error {
	e := l.engine.Load()
	w, err := l.folder.readWatermark()
	if errors.Is(err, store.ErrDamaged) {
		l.logger.Warn("store cannot detect lost records at the end of the log", "error", err)
	} else if err != nil {
		return err
	}
	l.watermark = w
	commit, err := newestCommit(ctx, e)
	if err != nil {
		return err
	}
	if first := l.Bounds().First; w.first > 0 && w.first < first {
		l.addMissing(store.Range{First: w.first, Last: min(first-1, max(w.last, w.first))})
	}
	if err := l.fillLostTail(ctx, e, w.first, max(w.last, commit.LastRecord)); err != nil {
		return err
	}
	info := e.logStream.CachedInfo()
	if info.State.NumDeleted == 0 {
		return nil
	}
	// Reading all records is slow, so do it only if the server has counted deleted messages. scan reports them.
	bounds := l.Bounds()
	return l.scan(ctx, e, bounds.First, bounds.Last, func(uint64, []byte) error { return nil })
}

// fillLostTail continues a log whose newest records are lost after the sequence last: it adds empty messages for the
// lost records, or moves the next sequence of an empty log. Snapshots and other records refer to the lost sequences, so
// new records must not get them. Records before first are not lost, because they were purged.
func (l *Log) fillLostTail(ctx context.Context, e *engine, first, last uint64) error {
	b := l.Bounds()
	if b.Last >= last {
		return nil
	}
	l.addMissing(store.Range{First: max(b.Last+1, first), Last: last})
	if b.Empty() { // a purge of an empty log moves the next sequence without deleting anything
		if err := e.logStream.Purge(ctx, js.WithPurgeSequence(last+1)); err != nil {
			return fmt.Errorf("%w: continue after the lost record %d: %w", store.ErrUnavailable, last, err)
		}
	} else {
		for at := b.Last; at < last; at++ {
			if err := e.logPublisher.publish(ctx, logSubject, at, nil, requestTimeout); err != nil {
				return fmt.Errorf("fill the place of the lost record %d: %w", at+1, err)
			}
		}
	}
	if err := l.syncBlockNames(); err != nil {
		return err
	}
	_, err := l.refreshBounds(ctx, e)
	return err
}

// addMissing reports a range of unreadable records in Health and in the log output.
func (l *Log) addMissing(lost store.Range) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.missing, func(known store.Range) bool {
		return known.First <= lost.First && known.Last >= lost.Last
	}) {
		return
	}
	l.missing = append(l.missing, lost)
	l.logger.Error("records are missing from the log", "first", lost.First, "last", lost.Last)
}

// addMissingUnlessPurged reports the part of a range that Purge has not deleted.
func (l *Log) addMissingUnlessPurged(lost store.Range) {
	if lost.First = max(lost.First, l.Bounds().First); lost.First <= lost.Last {
		l.addMissing(lost)
	}
}
