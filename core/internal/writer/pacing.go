package writer

import (
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
)

// pace delays the next commit. After a failed commit, it waits until retryAt. Under load, commits start at least
// commitSpacing apart, so that each record has more inputs: an append costs the same for one input as for many. An
// idle loop does not wait. Outcomes wait up to outcomeLinger if canLinger allows it, and are stored with the next
// input. If the gateway crashes in this time, their calls are repeated, like all calls in flight.
func (w *Writer) pace() {
	time.Sleep(w.retryAt.Sub(w.Now()))
	for {
		limit := commitSpacing
		if w.canLinger() {
			limit = outcomeLinger
		}
		wait := limit - w.Now().Sub(w.appendedAt)
		if wait <= 0 || wait > limit {
			return
		}
		if limit == commitSpacing {
			time.Sleep(wait)
			select {
			case <-w.wake: // the next step takes these inputs
			default:
			}
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			return
		case <-w.wake: // a new input may end the wait
			timer.Stop()
		}
	}
}

// canLinger reports whether all waiting inputs are outcomes of delivered messages, with no other delivery waiting in
// their conversations.
func (w *Writer) canLinger() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopping || len(w.submissions)+len(w.commands) > 0 || len(w.outcomes) == 0 || len(w.outcomes) > maxLingering {
		return false
	}
	for _, o := range w.outcomes {
		if o.Result != attempt.ResultDelivered || o.Kind != state.KindSend || len(o.Replies) > 0 {
			return false
		}
		if c := w.state.Conversation(o.Conversation); c != nil && c.Undelivered() > 1 {
			return false
		}
	}
	return true
}
