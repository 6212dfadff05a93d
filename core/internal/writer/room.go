package writer

import (
	"time"

	"patchbay/core/internal/state"
)

// needsRoom reports whether the log is full or nearly full.
func (w *Writer) needsRoom() bool {
	return w.snapshots.full || w.nearlyFull() || w.Log.Health().Full
}

// freeRoom purges records that the newest snapshot includes and that nothing needs. It reports whether a purge is
// possible after another snapshot. It ignores a purge that would free less than a tenth of the records, or less than a
// hundredth while the log refuses input. FreeRoom sets the advice that Writable returns while the log is full. It
// visits all conversations, so it is called at most once in roomInterval.
func (w *Writer) freeRoom(now time.Time) (needsSnapshot bool) {
	w.snapshots.roomAt = now.Add(roomInterval)
	b, share := w.Log.Bounds(), uint64(10)
	if w.snapshots.full || w.Log.Health().Full {
		share = 100
	}
	isEnough := func(before uint64) bool {
		free := before - min(b.First, before)
		return free > 0 && free*share >= b.Last-b.First+1
	}
	oldest, by := w.state.OldestNeeded(w.last+1, state.Retention{})
	if isEnough(min(oldest, w.snapshots.saved+1)) {
		w.purge(w.snapshots.saved)
		b = w.Log.Bounds()
	}
	switch {
	case isEnough(oldest):
		w.setNoRoom("the gateway is removing records that nothing needs; try again in a few seconds")
	case by != "":
		w.setNoRoom("conversation " + by + " needs the oldest records; wait for its deliveries, or raise store.cap")
	default:
		w.setNoRoom("free disk space, or raise store.cap")
	}
	return isEnough(oldest) && w.needsRoom()
}

func (w *Writer) setNoRoom(why string) {
	if err := w.snapshots.failed; err != nil {
		why = "records cannot be removed: " + err.Error()
	}
	w.noRoom.Store(&why)
}
