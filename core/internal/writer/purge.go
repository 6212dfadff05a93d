package writer

import (
	"context"
	"time"

	"patchbay/core/internal/state"
)

// nearlyFull reports whether less than a fifth of the log's capacity is free.
func (w *Writer) nearlyFull() bool {
	b := w.Log.Bounds()
	return b.Cap != 0 && b.Bytes >= b.Cap/10*8
}

// purge removes the oldest records, up to the first one that the snapshot does not include or that a delivery, dead
// letter or history needs. Records that are not older than HistoryAge are kept. If the log is nearly full, neither
// their age nor the history counts. If it is still nearly full then, records that only dead letters need are removed
// too, and these dead letters expire.
func (w *Writer) purge(snapshot uint64) {
	room := !w.snapshots.full && !w.nearlyFull()
	keep, _ := w.state.OldestNeeded(snapshot+1, state.Retention{History: room, DeadLetters: true})
	if room {
		keep = min(keep, w.ages.before(w.Now().Add(-w.HistoryAge)))
	}
	w.purgeBefore(keep)
	if room || !w.nearlyFull() {
		return
	}
	if last, _ := w.state.OldestNeeded(snapshot+1, state.Retention{}); last > keep {
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
		w.snapshots.failed = err
		w.Logger.Error("purge failed", "before", keep, "error", err)
	}
}
