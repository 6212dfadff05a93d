package delivery

import (
	"container/list"
	"context"
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/attempt"
)

// Configure replaces the channels. A channel that stays keeps its queue, its breaker and its pauses. If its settings
// have changed, an open breaker becomes half open. Calls in flight end with the settings with which they began. A job
// of a removed channel that has not started gets the outcome of a canceled job, so that the writer keeps its delivery.
func (e *Engine) Configure(channels []Channel) {
	e.mu.Lock()
	defer e.mu.Unlock()
	former := e.channels
	e.channels = make(map[string]*channel, len(channels))
	for _, a := range e.adapters {
		a.channels = nil
	}
	for i := range channels {
		c := &channels[i]
		ch := former[c.Name]
		if ch == nil {
			ch = &channel{
				Channel: &Channel{}, tasks: map[*task]bool{}, queue: list.New(), breaker: breaker{state: breakerClosed},
				now: e.Now, started: e.Now(),
			}
		}
		delete(former, c.Name)
		e.configure(ch, c)
	}
	for _, ch := range former {
		e.removeChannel(ch)
	}
	for _, t := range e.tasks {
		if t.cancel == nil && !t.ch.removed {
			t.settings = t.ch.Channel
			e.watch(t)
		}
	}
	for _, a := range e.adapters {
		e.startCalls(a)
	}
}

// configure gives a channel new settings. The caller holds the lock.
func (e *Engine) configure(ch *channel, c *Channel) {
	if ch.Rate != c.Rate {
		ch.limiter = nil
		if c.Rate > 0 {
			ch.limiter = rate.NewLimiter(rate.Limit(c.Rate), max(int(c.Rate), 1))
		}
	}
	a := e.adapters[c.Adapter]
	if a == nil {
		a = &adapterState{}
		e.adapters[c.Adapter] = a
	}
	ch.Channel, ch.adapter = c, a
	a.channels = append(a.channels, ch)
	e.channels[c.Name] = ch
	if c.Changed && ch.breaker.state != breakerClosed {
		ch.breaker.probe = nil
		e.setBreaker(ch, breakerHalfOpen)
	}
}

// removeChannel ends the waiting jobs of a channel. The caller holds the lock.
func (e *Engine) removeChannel(ch *channel) {
	ch.removed = true
	for _, timer := range []*time.Timer{ch.wakeTimer, ch.breaker.timer} {
		if timer != nil {
			timer.Stop()
		}
	}
	for t := range ch.tasks {
		switch {
		case t.canceled:
		case t.preparing:
			t.canceled = true
			t.cancel(context.Canceled)
		case t.cancel == nil:
			e.cancelWaiting(t)
		}
	}
	e.Observer.Breaker(ch.Name, breakerClosed)
}

// cancelWaiting ends a task that is not in flight. The caller holds the lock.
func (e *Engine) cancelWaiting(t *task) {
	t.canceled = true
	e.returnWaiting(t, "canceled", "")
}

// returnWaiting ends a task that is not in flight. The writer keeps the delivery. The caller holds the lock.
func (e *Engine) returnWaiting(t *task, kind, text string) {
	t.ch.remove(t)
	e.forget(t)
	e.finish(t.job, &attempt.Outcome{
		Result: attempt.ResultRetry, Error: kind, Text: text, Next: e.Now(), NotCalled: true,
	})
}
