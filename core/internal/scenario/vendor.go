package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// retryDelay is the time between attempts of a failing delivery. The gateway's delays grow up to about this time.
const retryDelay = time.Minute

// maxCalls bounds the calls of one step.
const maxCalls = 10_000

// settle makes the calls that are due, until none is.
func (w *World) settle() error {
	for range maxCalls {
		if w.state.PendingReady() {
			w.transact((*conversation.Transaction).AdmitPending)
			continue
		}
		o := w.nextOutcome()
		if o == nil {
			return nil
		}
		w.transact(func(tx *conversation.Transaction) { tx.ApplyOutcome(o) })
	}
	return errors.New("the deliveries of this step do not end")
}

// all returns the conversations in the order of their opening.
func (w *World) all() []*state.Conversation {
	var out []*state.Conversation
	w.state.All(func(c *state.Conversation) bool { out = append(out, c); return true })
	slices.SortFunc(out, func(a, b *state.Conversation) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// nextOutcome returns the outcome of the next call that is due, or nil if there is none.
func (w *World) nextOutcome() *attempt.Outcome {
	for _, c := range w.all() {
		for i := range c.Lanes {
			if c.Blocked[c.Lanes[i].Channel] != "" {
				continue
			}
			if o := w.outcome(c, &c.Lanes[i].Queue[0]); o != nil {
				return o
			}
		}
	}
	return nil
}

// outcome returns the outcome of the head of a lane, or nil if its call is not due or does not end.
func (w *World) outcome(c *state.Conversation, d *state.Delivery) *attempt.Outcome {
	calls := w.calls[d.Channel]
	overdue := !w.deadline(c, d).After(w.now)
	if w.policy.ReleaseAt(d, w.now).After(w.now) || w.isPaused(d.Channel) || c.Blocked[d.Channel] != "" {
		return nil
	}
	o := &attempt.Outcome{
		Conversation: c.ID, Delivery: d.ID, Channel: d.Channel, Kind: d.Kind, Offer: d.Offer, Thread: d.Thread,
	}
	if th := c.Threads[d.Channel]; th != nil && o.Thread == "" && d.Kind != state.KindOpen {
		o.Thread = th.ID
	}
	fail := func(result attempt.Result, kind string) *attempt.Outcome {
		o.Result, o.Error, o.Text = result, kind, "as the test says"
		return o
	}
	switch calls.outcome {
	case "", conversationtest.CallsDelivered, conversationtest.CallsAccepted:
		if d.Kind == state.KindOpen {
			o.Thread = fmt.Sprintf("%s-%d", d.Channel, len(w.records))
			o.Accepted = calls.outcome == conversationtest.CallsAccepted
		}
		return o
	case conversationtest.CallsDeclined:
		o.Reason = calls.reason
		return fail(attempt.ResultDeclined, "declined")
	case conversationtest.CallsWaiting, conversationtest.CallsUnreachable:
		if !overdue {
			return nil
		}
		return fail(attempt.ResultDead, "transient")
	case "gone":
		return fail(attempt.ResultGone, calls.outcome)
	case "invalid", "unsupported", "permanent":
		return fail(attempt.ResultDead, calls.outcome)
	}
	if overdue {
		return fail(attempt.ResultDead, calls.outcome)
	}
	if o.Next = w.now.Add(retryDelay); o.Next.After(w.deadline(c, d)) {
		o.Next = w.deadline(c, d)
	}
	return fail(attempt.ResultRetry, calls.outcome)
}

// deadline returns the time at which a delivery is given up. The wait for opening hours does not count. After a pause, the
// delivery has its whole time again.
func (w *World) deadline(c *state.Conversation, d *state.Delivery) time.Time {
	from := d.QueuedAt
	if p := w.state.Pause(d.Channel); p != nil && p.Ended.After(from) {
		from = p.Ended
	}
	return from.Add(w.policy.Waited(c, d, w.now) + w.giveUp[d.Channel])
}

func (w *World) isPaused(channel string) bool { return w.state.Pause(channel).Active() }
