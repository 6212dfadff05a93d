package delivery

import (
	"context"
	"time"
)

// One timer watches the deadlines of all tasks and calls. Most tasks and calls end long before their deadlines, so
// their end does not change the timer.

// callContext is the context of a call. The engine's timer cancels it at its deadline.
type callContext struct {
	context.Context
	deadline time.Time // of the system's clock
	stop     func()    // ends the call after the context; nil before the call is made. The engine's lock guards it
}

func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }
func (c *callContext) Err() error                  { return context.Cause(c.Context) }

// newCallContext returns the context of a task's call. The caller holds the lock.
func (e *Engine) newCallContext(t *task) *callContext {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &callContext{Context: ctx, deadline: time.Now().Add(t.settings.Timeout)}
	t.cancel = func(cause error) {
		cancel(cause)
		if c.stop != nil {
			c.stop()
			c.stop = nil
		}
	}
	e.watchUntil(t, e.Now().Add(t.settings.Timeout))
	return c
}

// watch sets the time at which checkDeadlines ends the wait of a task. It is called again when this time changes. It
// does nothing while the call runs. The caller holds the lock.
func (e *Engine) watch(t *task) {
	if t.cancel != nil && !t.preparing { // its call runs
		return
	}
	at, ok := t.endOfWait()
	if !ok {
		at = time.Time{}
	}
	e.watchUntil(t, at)
}

func (e *Engine) watchUntil(t *task, at time.Time) {
	t.until = at
	if !at.IsZero() && (e.checkAt.IsZero() || at.Before(e.checkAt)) {
		e.checkAt = at
		e.checkTimer.Reset(at.Sub(e.Now()))
	}
}

// checkDeadlines ends the waits and calls whose time is over, and sets the timer for the next one. It visits all tasks,
// so it waits at least twenty times the duration of this visit before the next one.
func (e *Engine) checkDeadlines() {
	e.mu.Lock()
	defer e.mu.Unlock()
	began := e.Now()
	e.checkAt = time.Time{} // the loop sets it, directly or through end
	for _, t := range e.tasks {
		switch {
		case t.until.IsZero():
		case began.Before(t.until):
			if e.checkAt.IsZero() || t.until.Before(e.checkAt) {
				e.checkAt = t.until
			}
		default:
			t.until = time.Time{}
			e.end(t)
		}
	}
	if now := e.Now(); !e.checkAt.IsZero() {
		e.checkAt = later(e.checkAt, now.Add(20*now.Sub(began)))
		e.checkTimer.Reset(e.checkAt.Sub(now))
	}
}

// end ends the call or the wait of a task whose time is over. The caller holds the lock.
func (e *Engine) end(t *task) {
	switch {
	case t.cancel != nil && !t.preparing:
		t.cancel(context.DeadlineExceeded)
	case e.stopping:
	case t.preparing:
		t.cancel(context.DeadlineExceeded) // prepareMedia gives it up, or queues it with text instead of media
	case t.isPastDeadline():
		e.expire(t)
	case t.ch.Hours != nil && t.ch.Hours.Open(e.Now()): // another span follows
		e.watch(t)
	default:
		e.returnWaiting(t, t.job.Delivery.Error, "the hours of the channel have ended")
	}
}
