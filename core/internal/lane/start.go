package lane

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/plugin"
	"patchbay/sdk"
)

// start begins what may begin. The caller holds the lock.
func (e *Engine) startCalls(p *adapterState) {
	if p.suspect != nil || e.startSuspect(p) {
		return
	}
	for _, ch := range p.channels {
		for ch.running < ch.Concurrency {
			i := ch.next()
			if i < 0 {
				break
			}
			done, ok := e.allow(ch)
			if !ok {
				break
			}
			t := ch.take(i)
			switch {
			case t.suspect && p.running > 0: // those that run may end, and nothing begins before it had its turn
				done(errNotCalled)
				p.suspects = append(p.suspects, t)
				return
			case t.suspect:
				p.suspect = t
				e.startCall(t, done)
				return
			}
			e.startCall(t, done)
		}
	}
}

// suspects gives the first suspect that may run its turn, alone. It reports whether everybody else must wait. A
// suspect whose channel may not be called now waits with its channel, so that the others need not.
func (e *Engine) startSuspect(p *adapterState) (others bool) {
	for len(p.suspects) > 0 {
		if p.running > 0 {
			return true
		}
		t := p.suspects[0]
		p.suspects = p.suspects[1:]
		if done, ok := e.allow(t.ch); ok {
			p.suspect = t
			e.startCall(t, done)
			return true
		}
		t.ch.queue = append([]*task{t}, t.ch.queue...)
	}
	return false
}

// permit asks pause, rate and breaker. When it says no, the channel is looked at again in time.
func (e *Engine) allow(ch *channel) (done func(error), ok bool) {
	if e.stopping {
		return nil, false
	}
	if wait := time.Until(ch.pause); wait > 0 {
		e.wakeAfter(ch, wait)
		return nil, false
	}
	if ch.limiter != nil {
		r := ch.limiter.Reserve()
		if wait := r.Delay(); wait > 0 {
			r.Cancel()
			e.wakeAfter(ch, wait)
			return nil, false
		}
	}
	done, err := ch.breaker.Allow()
	if err != nil {
		e.wakeAfter(ch, breakerOpen/20)
		return nil, false
	}
	return done, true
}

func (e *Engine) wakeAfter(ch *channel, d time.Duration) {
	if ch.wakeTimer != nil {
		ch.wakeTimer.Stop()
	}
	ch.wakeTimer = time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.startCalls(ch.process)
	})
}

// begin runs one job on a goroutine of its own.
func (e *Engine) startCall(t *task, done func(error)) {
	ctx, cancel := context.WithTimeout(e.ctx, t.ch.Timeout)
	t.cancel = cancel
	t.ch.running++
	t.ch.mediaInFlight += t.mediaBytes
	t.ch.process.running++
	e.running.Go(func() {
		defer cancel()
		began := time.Now()
		r := e.call(ctx, t)
		if !notCalled(r.err) {
			e.Observer.Attempted(t.ch.Name, r.out.Status(), time.Since(began), time.Since(t.job.Delivery.QueuedAt))
		}
		e.finishCall(t, r, done)
	})
}

// settle tells the breaker, the channel and the writer what came of a call, and begins the next.
func (e *Engine) finishCall(t *task, r result, done func(error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t.ch.running--
	t.ch.mediaInFlight -= t.mediaBytes
	t.ch.process.running--
	t.cancel = nil
	if t.ch.process.suspect == t {
		t.ch.process.suspect = nil
	}
	t.countCrash(&r)
	r.out.NotCalled = notCalled(r.err)
	done(breakerError(r, t.cancelled))
	defer e.startCalls(t.ch.process)
	if r.pause > 0 {
		t.ch.pause = time.Now().Add(r.pause)
	}
	if e.requeue(t, r.err) {
		return
	}
	delete(e.waiting, t.job.Delivery.ID)
	if e.stopping && !t.cancelled && errors.Is(r.err, plugin.ErrNotReady) {
		return // nothing was tried: like those that were not begun, it is in the log
	}
	e.finish(t.job, r.out)
}

// again keeps a job that had no chance, or that is suspected of having killed its adapter.
func (e *Engine) requeue(t *task, err error) bool {
	if err == nil || t.cancelled || e.stopping {
		return false
	}
	if errors.Is(err, plugin.ErrNotReady) { // the adapter is away: nothing was tried
		t.ch.queue = append([]*task{t}, t.ch.queue...)
		return true
	}
	_, ok := errors.AsType[*plugin.DiedError](err)
	if !ok || t.ch.DeadOnUnknown || t.crashes >= maxCrashWeight {
		return false
	}
	t.suspect = true
	t.ch.process.suspects = append(t.ch.process.suspects, t)
	return true
}

// judge blames a call for its adapter's death, and gives it up when it has done it often enough.
func (t *task) countCrash(r *result) {
	died, ok := errors.AsType[*plugin.DiedError](r.err)
	if !ok {
		return
	}
	if t.crashes += crashWeight(died, t.ch.process); t.crashes >= maxCrashWeight {
		r.out = t.deadLetter(errorKilled, "the delivery ended the adapter's process again and again: "+died.Text)
	}
}

// blame weighs a death: two alone convict a delivery. With webhooks in the process too it could be one of these, so it
// takes twice as many, and nothing if other deliveries were in flight.
func crashWeight(died *plugin.DiedError, p *adapterState) int {
	switch {
	case died.Alone:
		return 2
	case p.running == 0:
		return 1
	}
	return 0
}

// errNotAsked keeps calls that never reached the vendor out of the breaker's count.
var errNotCalled = errors.New("the vendor was not asked")

func notCalled(err error) bool {
	return errors.Is(err, plugin.ErrNotReady) || errors.Is(err, errNotCalled)
}

// verdict says whether an outcome speaks against the vendor. An adapter's death does not, and takes many calls along at
// once, unless each call that it takes along is given up: then the breaker limits the damage.
func breakerError(r result, cancelled bool) error {
	_, died := errors.AsType[*plugin.DiedError](r.err)
	switch {
	case cancelled || notCalled(r.err) || died && r.out.Result == delivery.ResultRetry,
		r.out.Error == string(sdk.KindThrottled), r.out.Error == errorKilled:
		return errNotCalled
	case r.out.Result == delivery.ResultRetry || r.out.Error == string(sdk.KindUnknown):
		return errors.New(r.out.Error)
	}
	return nil
}

// backoff returns when to try again: exponential with full jitter.
func backoff(base time.Duration, attempts uint32) time.Duration {
	d := base << min(attempts, 10)
	d = min(d, max(backoffMax, base))
	return base/4 + rand.N(d)
}
