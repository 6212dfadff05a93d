package delivery

import (
	"cmp"
	"fmt"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
	"patchbay/sdk"
)

// A delivery is given up at its deadline, for any reason of its wait. A running call is not aborted: its outcome
// decides. A delivery without an earlier error is still tried after its deadline if a call can start immediately.

// maxEventWait is the maximum time that a queued typing or read event waits for a call.
const maxEventWait = 5 * time.Second

// startGrace is the minimum time that deliveries have after the start of the engine, because the adapters start too.
const startGrace = time.Minute

// deadline returns the time at which a task is given up. ok is false if GiveUp is 0, or while an operator pauses the
// channel. After such a pause, a delivery has its whole time again. Typing and read events have a fixed deadline.
func (t *task) deadline() (at time.Time, ok bool) {
	if t.job.Delivery.IsTriedOnce() {
		return t.job.Delivery.QueuedAt.Add(maxEventWait), true
	}
	limit := t.settings.GiveUp
	at = later(t.job.Delivery.QueuedAt.Add(t.job.Waited), t.ch.resumed).Add(limit)
	return later(at, t.ch.started.Add(min(limit, startGrace))), limit > 0 && !t.ch.paused
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}

func (t *task) isPastDeadline() bool {
	at, ok := t.deadline()
	return ok && !t.ch.now().Before(at)
}

// limitRetry limits the delay of a retry to the deadline. After the deadline it gives the delivery up.
func (t *task) limitRetry(o *attempt.Outcome) {
	at, ok := t.deadline()
	switch {
	case !ok || t.canceled || o.Result != attempt.ResultRetry:
	case t.isPastDeadline():
		o.Result, o.Text = attempt.ResultDead, t.givenUpText()+": "+o.Text
	case o.Next.After(at):
		o.Next = at
	}
}

func (t *task) givenUpText() string {
	return "given up after " + t.ch.now().Sub(t.job.Delivery.QueuedAt).Round(time.Second).String()
}

// endOfWait returns the time until which a task may wait: its deadline or, for an open that is no offer, the end of the
// current span of its channel's hours. ok is false if there is no such time. If no other span follows immediately, the
// open then goes back to the writer, which submits it again when the hours begin.
func (t *task) endOfWait() (at time.Time, ok bool) {
	at, ok = t.deadline()
	if d := &t.job.Delivery; t.ch.Hours != nil && d.Kind == state.KindOpen && !d.Offer {
		if end := t.ch.Hours.End(t.ch.now()); !ok || end.Before(at) {
			return end, true
		}
	}
	return at, ok
}

// expire gives up a waiting task. The caller holds the lock.
func (e *Engine) expire(t *task) {
	d := &t.job.Delivery
	kind, text := t.waitCause()
	if text != "" {
		text = ": it waited for " + text
	}
	if d.Error != "" {
		kind, text = d.Error, text+"; last error: "+d.Text
	}
	t.ch.remove(t)
	e.forget(t)
	o := deadLetter(kind, t.givenUpText()+text)
	o.NotCalled = true
	e.finish(t.job, o)
}

// waitCause returns why a queued task waits, as a kind of error and a text.
func (t *task) waitCause() (kind, text string) {
	c := t.ch
	now := time.Now()
	switch {
	case !c.breaker.allows():
		text = "the circuit breaker: " + c.breaker.cause
	case now.Before(c.pause):
		return string(sdk.KindThrottled), "the end of a pause that the vendor asked for"
	case c.notReady != "":
		text = "the adapter: " + c.notReady
	case c.adapter.suspect != nil || len(c.adapter.suspects) > 0:
		text = "the search for a call that crashed the adapter"
	case c.running >= c.Concurrency:
		text = fmt.Sprintf("other calls of the channel: %d are in flight", c.running)
	case c.limiter != nil:
		text = "the rate limit of the channel"
	}
	return string(sdk.KindTransient), text
}

// limitPause bounds the pause that a vendor asks for.
func (c *Channel) limitPause(after time.Duration) time.Duration {
	return min(after, cmp.Or(c.MaxPause, after))
}
