package writer

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

// snapshotter is the state of the background snapshots.
type snapshotter struct {
	saved   uint64              // record of the newest stored snapshot, which the next can extend; 0 if there is none
	seq     uint64              // record of the snapshot that was begun last
	at      time.Time           // when it was begun
	bytes   uint64              // size of the log then, or after a purge since
	roomAt  time.Time           // next search for room
	full    bool                // the log was too full for the last record
	running chan snapshotResult // nil if none runs
	failed  error               // of the last snapshot or purge
}

type snapshotResult struct {
	snapshot *state.Snapshot
	seq      uint64
	err      error
}

func (s *snapshotter) init(seq, bytes uint64, now time.Time) {
	s.seq, s.bytes, s.at, s.roomAt = seq, bytes, now, now.Add(roomInterval)
}

// advanceSnapshot starts a snapshot if one is due, and completes a finished one.
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
	s.seq, s.at, s.bytes = w.last, now, w.Log.Bounds().Bytes
	snapshot, done := w.state.Snapshot(), make(chan snapshotResult, 1)
	s.running = done
	keep, seq := s.saved != 0, w.last
	go func() {
		done <- snapshotResult{snapshot, seq, w.save(context.Background(), snapshot, seq, keep)}
		w.wakeUp()
	}()
}

// snapshotDue reports whether enough time has passed or enough records were stored since the last snapshot, or whether
// the log needs the room that a snapshot would free.
func (w *Writer) snapshotDue(now time.Time) bool {
	s, bytes := &w.snapshots, w.Log.Bounds().Bytes
	s.bytes = min(s.bytes, bytes)
	room := !now.Before(s.roomAt) && w.needsRoom() && w.freeRoom(now)
	switch since := now.Sub(s.at); {
	case s.failed != nil && since < snapshotRetry:
		return false
	case room:
		return true
	case w.last == s.seq:
		return false
	default:
		return w.last-s.seq >= snapshotRecords || bytes-s.bytes >= snapshotBytes || since >= snapshotIdle
	}
}

func (w *Writer) save(ctx context.Context, snapshot *state.Snapshot, seq uint64, keep bool) error {
	buckets, meta, err := snapshot.Encode()
	if err != nil {
		return err
	}
	if err := w.Log.SaveSnapshot(ctx, store.Snapshot{Seq: seq, Buckets: buckets, Keep: keep, Meta: meta}); err != nil {
		return fmt.Errorf("save snapshot of record %d: %w", seq, err)
	}
	return nil
}

func (w *Writer) snapshotDone(r snapshotResult) {
	w.snapshots.failed = r.err
	if r.err != nil {
		w.state.MarkChanged(r.snapshot)
		w.Logger.Error("snapshot failed", "error", r.err)
		return
	}
	w.snapshots.saved = r.seq
	w.purge(r.seq)
}

// lastSnapshot waits for a running snapshot and takes another one, so that the next start is quick.
func (w *Writer) lastSnapshot() error {
	if w.snapshots.running != nil {
		r := <-w.snapshots.running
		w.snapshots.running = nil
		w.snapshotDone(r)
	}
	if w.last == w.snapshots.saved {
		return nil
	}
	snapshot := w.state.Snapshot()
	if err := w.save(context.Background(), snapshot, w.last, w.snapshots.saved != 0); err != nil {
		w.Logger.Warn("snapshot at stop failed, the next start reads the log", "error", err)
	}
	return nil
}
