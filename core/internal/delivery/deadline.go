package delivery

import (
	"cmp"
	"fmt"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
	"patchbay/sdk"
)

// A delivery is given up at its deadline, whatever it waits for. A running call is not aborted: its outcome decides. A
// delivery that the vendor has not been called for is tried after its deadline if a call can start immediately.

// startGrace is the minimum time that deliveries have after the start of the engine, because the adapters start too.
const startGrace = time.Minute

// deadline returns the time at which a task is given up, and false if it never is, or not while its channel is paused by
// an operator. After such a pause, a delivery has its whole time again.
func (t *task) deadline() (at time.Time, ok bool) {
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

func (t *task) overdue() bool {
	at, ok := t.deadline()
	return ok && !t.ch.now().Before(at)
}

// bound limits the delay of a retry to the deadline. After the deadline it gives the delivery up.
func (t *task) bound(o *attempt.Outcome) {
	at, ok := t.deadline()
	switch {
	case !ok || t.canceled || o.Result != attempt.ResultRetry:
	case t.overdue():
		o.Result, o.Text = attempt.ResultDead, t.givenUp()+": "+o.Text
	case o.Next.After(at):
		o.Next = at
	}
}

func (t *task) givenUp() string {
	return "given up after " + t.ch.now().Sub(t.job.Delivery.QueuedAt).Round(time.Second).String()
}

// endOfWait returns the time until which a task may wait, and false if there is none: its deadline, or the end of a
// span of its channel's hours. If no other span follows, an open that is no offer then goes back to the writer, which
// knows the next beginning of the hours.
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
	kind, text := t.waitsFor()
	if text != "" {
		text = ": it waited for " + text
	}
	if d.Error != "" {
		kind, text = d.Error, text+"; last error: "+d.Text
	}
	t.ch.remove(t)
	e.forget(t)
	o := deadLetter(kind, t.givenUp()+text)
	o.NotCalled = true
	e.finish(t.job, o)
}

// waitsFor returns what a queued task waits for, and the kind of error that this is.
func (t *task) waitsFor() (kind, text string) {
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
