package lane

import (
	"context"
	"errors"
	"time"

	"patchbay/core/internal/plugin"
)

// startCalls starts all calls of an adapter that may start. The caller holds the lock.
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
			case t.suspect && p.running > 0: // it runs after the calls in flight, before any other
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

// startCall runs a task's call on a new goroutine. Done reports the result to the breaker.
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

// finishCall passes the result to the breaker, the channel and the writer, and starts the next calls.
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
	delete(e.tasks, t.job.Delivery.ID)
	if e.stopping && !t.cancelled && errors.Is(r.err, plugin.ErrNotReady) {
		return // it has not started, so it stays in the log
	}
	e.finish(t.job, r.out)
}

// requeue keeps a task whose adapter was not ready, or which is suspected of having crashed it. It reports whether it
// did.
func (e *Engine) requeue(t *task, err error) bool {
	if err == nil || t.cancelled || e.stopping {
		return false
	}
	if errors.Is(err, plugin.ErrNotReady) {
		t.ch.putBack(t)
		return true
	}
	return t.keepSuspect(err)
}
