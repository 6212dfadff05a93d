package writer

import (
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/state"
)

// space keeps commits apart under load, so that each carries more: an append costs the same for one input as for
// many. When the loop was idle it does not wait. Outcomes that nothing waits for may linger a little longer, to
// be stored together with the next input; a crash meanwhile repeats their calls like any others in flight.
func (w *Writer) pace(last time.Time) {
	for {
		limit := commitSpacing
		if w.canLinger() {
			limit = outcomeLinger
		}
		wait := limit - time.Since(last)
		if wait <= 0 || wait > limit {
			return
		}
		if limit == commitSpacing {
			time.Sleep(wait)
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			return
		case <-w.wake: // something came: look again
			timer.Stop()
		}
	}
}

// mayLinger reports whether nothing waits but outcomes of deliveries with nothing behind them in their
// conversation's lanes.
func (w *Writer) canLinger() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping || len(w.submissions)+len(w.commands) > 0 || len(w.results) == 0 || len(w.results) > maxLingering {
		return false
	}
	for _, o := range w.results {
		if o.Result != delivery.ResultDelivered || o.Kind != state.KindSend || len(o.Replies) > 0 {
			return false
		}
		if c := w.state.Conversation(o.Conversation); c != nil && c.Undelivered() > 1 {
			return false
		}
	}
	return true
}
