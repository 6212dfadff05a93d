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

// retryDelay is the time between attempts of a failing delivery, about the maximum of the gateway's delays.
const retryDelay = time.Minute

// maxCalls bounds the calls of one step.
const maxCalls = 10_000

// settle admits pending envelopes and makes calls until nothing is due.
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
			head := &c.Lanes[i].Queue[0]
			if !w.policy.MayRelease(c, head, w.now) || w.isPaused(head.Channel) {
				continue
			}
			if o := w.outcome(c, head); o != nil {
				return o
			}
		}
	}
	return nil
}

// outcome returns the outcome of a call, or nil if the call does not end.
func (w *World) outcome(c *state.Conversation, d *state.Delivery) *attempt.Outcome {
	calls := w.calls[d.Channel]
	o := &attempt.Outcome{
		Conversation: c.ID, Delivery: d.ID, Channel: d.Channel, Kind: d.Kind, Offer: d.Offer, Thread: d.Thread,
	}
	if th := c.Threads[d.Channel]; th != nil && o.Thread == "" && d.Kind != state.KindOpen {
		o.Thread = th.ID
	}
	switch calls.outcome {
	case "", conversationtest.CallsDelivered, conversationtest.CallsAccepted:
		if d.Kind == state.KindOpen {
			o.Thread = fmt.Sprintf("%s-%d", d.Channel, len(w.records))
			o.Accepted = calls.outcome == conversationtest.CallsAccepted
		}
		return o
	case conversationtest.CallsWaiting, conversationtest.CallsUnreachable:
		if w.deadline(c, d).After(w.now) {
			return nil
		}
		calls.outcome = "transient"
	}
	o.Error, o.Text, o.Reason = calls.outcome, "set by the test", calls.reason
	if o.Result = results[calls.outcome]; o.Result != attempt.ResultRetry {
		return o
	}
	o.Next = w.now.Add(retryDelay)
	switch deadline := w.deadline(c, d); {
	case !deadline.After(w.now):
		o.Result = attempt.ResultDead
	case o.Next.After(deadline):
		o.Next = deadline
	}
	return o
}

// results are the results of failed calls.
var results = map[string]attempt.Result{
	conversationtest.CallsDeclined: attempt.ResultDeclined,
	"gone":                         attempt.ResultGone,
	"invalid":                      attempt.ResultDead,
	"unsupported":                  attempt.ResultDead,
	"permanent":                    attempt.ResultDead,
	"transient":                    attempt.ResultRetry,
	"throttled":                    attempt.ResultRetry,
	"unauthorized":                 attempt.ResultRetry,
	"unknown":                      attempt.ResultRetry,
}

// deadline returns the time at which a delivery is given up. The time in which it waited for the hours of its channel,
// or for an answer of the bot, does not count. After an operator's pause, it has its whole time again.
func (w *World) deadline(c *state.Conversation, d *state.Delivery) time.Time {
	from := d.QueuedAt
	if p := w.state.Pause(d.Channel); p != nil && p.Ended.After(from) {
		from = p.Ended
	}
	return from.Add(w.policy.WaitTime(c, d, w.now) + w.giveUp[d.Channel])
}

func (w *World) isPaused(channel string) bool { return w.state.Pause(channel).Active() }
