package writer

import (
	"time"

	"patchbay/core/internal/state"
)

// needsRoom reports whether the log is full or nearly full.
func (w *Writer) needsRoom() bool {
	return w.snapshots.full || w.nearlyFull() || w.Log.Health().Full
}

// wouldFree reports whether a snapshot and a purge would remove enough records: a tenth of the log, or a hundredth
// while the log refuses input. It also sets the advice that Writable returns while the log is full. It visits all
// conversations, so the next search is due after roomInterval.
func (w *Writer) wouldFree(now time.Time) bool {
	w.snapshots.roomAt = now.Add(roomInterval)
	b, share := w.Log.Bounds(), uint64(10)
	if w.snapshots.full || w.Log.Health().Full {
		share = 100
	}
	oldest, by := w.state.OldestNeeded(w.last+1, state.Retention{})
	free := oldest - min(b.First, oldest)
	if free > 0 && free*share >= b.Last-b.First+1 {
		w.setNoRoom("the gateway is removing records that nothing needs; try again in a few seconds")
		return true
	}
	switch {
	case by != "":
		w.setNoRoom("conversation " + by + " needs the oldest records; wait for its deliveries, or raise store.cap")
	default:
		w.setNoRoom("free disk space, or raise store.cap")
	}
	return false
}

func (w *Writer) setNoRoom(why string) {
	if err := w.snapshots.failed; err != nil {
		why = "records cannot be removed: " + err.Error()
	}
	w.noRoom.Store(&why)
}
