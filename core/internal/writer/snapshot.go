package writer

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/store"
)

// snapshots takes pictures of the book in the background, and purges what no picture needs.
type snapshots struct {
	base    bool // the log has one that the next can build on
	seq     uint64
	at      time.Time
	running chan snapshotResult // nil if none runs
}

type snapshotResult struct {
	image *conversation.Image
	seq   uint64
	err   error
}

func (s *snapshots) init(seq uint64, now time.Time) { s.seq, s.at = seq, now }

// maybeSnapshot starts a snapshot when enough has happened since the last one, and finishes one that is done.
func (w *Writer) maybeSnapshot(now time.Time) {
	s := &w.snap
	if s.running != nil {
		select {
		case r := <-s.running:
			s.running = nil
			w.snapshotDone(r)
		default:
			return
		}
	}
	if w.last-s.seq < snapshotEach && (now.Sub(s.at) < snapshotIdle || w.last == s.seq) {
		return
	}
	s.seq, s.at = w.last, now
	im, done := w.book.Image(), make(chan snapshotResult, 1)
	s.running = done
	keep, seq := s.base, w.last
	go func() { done <- snapshotResult{im, seq, w.save(im, seq, keep)} }()
}

func (w *Writer) save(im *conversation.Image, seq uint64, keep bool) error {
	buckets, meta, err := im.Encode()
	if err != nil {
		return err
	}
	if err := w.Log.SaveSnapshot(context.Background(), store.Snapshot{Seq: seq, Buckets: buckets, Keep: keep, Meta: meta}); err != nil {
		return fmt.Errorf("save snapshot of record %d: %w", seq, err)
	}
	return nil
}

func (w *Writer) snapshotDone(r snapshotResult) {
	if r.err != nil {
		w.book.Spoil(r.image)
		w.Logger.Error("snapshot failed", "error", r.err)
		return
	}
	w.snap.base = true
	w.purge(r.seq)
}

// purge drops records that neither the snapshot nor a delivery nor the history needs. The history is kept for
// HistoryAge as long as the log is less than 80 % full.
func (w *Writer) purge(snapshot uint64) {
	b := w.Log.Bounds()
	room := b.Cap == 0 || b.Bytes < b.Cap/10*8
	keep := w.book.Oldest(snapshot+1, conversation.Needs{History: room, Letters: true})
	if room {
		keep = min(keep, w.ages.before(time.Now().Add(-w.HistoryAge)))
	}
	if keep <= b.First {
		return
	}
	if err := w.Log.Purge(context.Background(), keep); err != nil {
		w.Logger.Error("purge failed", "before", keep, "error", err)
	}
}

// lastSnapshot waits for the one that runs and takes one more, so that the next start is quick.
func (w *Writer) lastSnapshot() error {
	if w.snap.running != nil {
		r := <-w.snap.running
		w.snap.running = nil
		w.snapshotDone(r)
	}
	if w.last == w.snap.seq && w.snap.base {
		return nil
	}
	im := w.book.Image()
	if err := w.save(im, w.last, w.snap.base); err != nil {
		w.Logger.Warn("no snapshot at stop, the next start reads the log", "error", err)
	}
	return nil
}
