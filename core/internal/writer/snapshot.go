package writer

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

// snapshots takes pictures of the book in the background, and purges what no picture needs.
type snapshotter struct {
	base    bool // the log has one that the next can build on
	seq     uint64
	at      time.Time
	full    bool                // the log refused the last record for want of room
	running chan snapshotResult // nil if none runs
}

type snapshotResult struct {
	snapshot *state.Snapshot
	seq      uint64
	err      error
}

func (s *snapshotter) init(seq uint64, now time.Time) { s.seq, s.at = seq, now }

// maybeSnapshot starts a snapshot when enough has happened since the last one, and finishes one that is done.
func (w *Writer) advanceSnapshot(now time.Time) {
	s := &w.snapshots
	if s.running != nil {
		select {
		case r := <-s.running:
			s.running = nil
			w.snapshotDone(r)
		default:
			return
		}
	}
	if !w.snapshotDue(now) {
		return
	}
	s.seq, s.at = w.last, now
	im, done := w.state.Snapshot(), make(chan snapshotResult, 1)
	s.running = done
	keep, seq := s.base, w.last
	go func() { done <- snapshotResult{im, seq, w.save(context.Background(), im, seq, keep)} }()
}

// snapshotDue reports whether enough has happened since the last snapshot. A log that is full waits for the next one to
// let records go.
func (w *Writer) snapshotDue(now time.Time) bool {
	s := &w.snapshots
	switch since := now.Sub(s.at); {
	case s.full && since >= snapshotFull:
		return true
	case w.last == s.seq:
		return false
	default:
		return w.last-s.seq >= snapshotRecords || since >= snapshotIdle || since >= snapshotNear && w.nearlyFull()
	}
}

func (w *Writer) save(ctx context.Context, im *state.Snapshot, seq uint64, keep bool) error {
	buckets, meta, err := im.Encode()
	if err != nil {
		return err
	}
	if err := w.Log.SaveSnapshot(ctx, store.Snapshot{Seq: seq, Buckets: buckets, Keep: keep, Meta: meta}); err != nil {
		return fmt.Errorf("save snapshot of record %d: %w", seq, err)
	}
	return nil
}

func (w *Writer) snapshotDone(r snapshotResult) {
	if r.err != nil {
		w.state.MarkChanged(r.snapshot)
		w.Logger.Error("snapshot failed", "error", r.err)
		return
	}
	w.snapshots.base = true
	w.purge(r.seq)
}

// nearlyFull reports whether the log has less than a fifth of its room left.
func (w *Writer) nearlyFull() bool {
	b := w.Log.Bounds()
	return b.Cap != 0 && b.Bytes >= b.Cap/10*8
}

// purge drops records that neither the snapshot nor a delivery nor a dead letter nor the history needs. The history is
// kept for HistoryAge as long as the log is not nearly full. If it still is without, the records that only dead letters
// need go, too, and the letters expire with them.
func (w *Writer) purge(snapshot uint64) {
	room := !w.snapshots.full && !w.nearlyFull()
	keep := w.state.Oldest(snapshot+1, state.Retention{History: room, DeadLetters: true})
	if room {
		keep = min(keep, w.ages.before(time.Now().Add(-w.HistoryAge)))
	}
	w.purgeBefore(keep)
	if room || !w.nearlyFull() {
		return
	}
	if last := w.state.Oldest(snapshot+1, state.Retention{}); last > keep {
		w.Logger.Warn("log is nearly full, dead letters expire with their records", "before", last)
		w.purgeBefore(last)
		w.expireAt = time.Time{}
	}
}

func (w *Writer) purgeBefore(keep uint64) {
	if keep <= w.Log.Bounds().First {
		return
	}
	if err := w.Log.Purge(context.Background(), keep); err != nil {
		w.Logger.Error("purge failed", "before", keep, "error", err)
	}
}

// lastSnapshot waits for the one that runs and takes one more, so that the next start is quick.
func (w *Writer) lastSnapshot() error {
	if w.snapshots.running != nil {
		r := <-w.snapshots.running
		w.snapshots.running = nil
		w.snapshotDone(r)
	}
	if w.last == w.snapshots.seq && w.snapshots.base {
		return nil
	}
	im := w.state.Snapshot()
	if err := w.save(context.Background(), im, w.last, w.snapshots.base); err != nil {
		w.Logger.Warn("no snapshot at stop, the next start reads the log", "error", err)
	}
	return nil
}
