package delivery

import (
	"errors"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
)

// startCalls starts all calls of an adapter that may start. The caller holds the lock.
func (e *Engine) startCalls(a *adapterState) {
	defer func() {
		for _, ch := range a.channels {
			ch.noteFull()
		}
	}()
	if a.suspect != nil || e.startSuspect(a) {
		return
	}
	for _, ch := range a.channels {
		for ch.running < ch.Concurrency && ch.queue.Len() > 0 && e.mayCall(ch) {
			t := ch.next()
			if t == nil || !e.withinRate(ch) {
				break
			}
			ch.remove(t)
			switch {
			case t.suspect && a.running > 0: // it runs after the calls in flight, before any other
				a.suspects = append(a.suspects, t)
				return
			case t.suspect:
				a.suspect = t
				e.startCall(t)
				return
			}
			e.startCall(t)
		}
	}
}

// startCall starts a task's call on a new goroutine, because building it may read the log. endCall ends it.
func (e *Engine) startCall(t *task) {
	t.settings, t.adapter = t.ch.Channel, t.ch.adapter
	t.ch.running++
	t.began = time.Now()
	t.ch.breaker.noteStart(t)
	t.ch.mediaInFlight += t.mediaBytes
	t.adapter.running++
	e.running.Add(1)
	go e.call(e.newCallContext(t), t)
}

// endCall ends a call. It does not block, see plugin.Host.StartDeliver.
func (e *Engine) endCall(t *task, r result) {
	defer e.running.Done()
	if !isNotCalled(r.err) {
		e.Observer.Attempted(t.settings.Name, r.out.Status(), time.Since(t.began), t.age())
	}
	e.finishCall(t, r)
}

// finishCall passes the result to the breaker, the channel and the writer, and starts the next calls.
func (e *Engine) finishCall(t *task, r result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t.ch.running--
	t.ch.mediaInFlight -= t.mediaBytes
	t.adapter.running--
	t.cancel, t.until = nil, time.Time{}
	if t.adapter.suspect == t {
		t.adapter.suspect = nil
	}
	if r.err == nil && r.out.Result == attempt.ResultDelivered {
		t.ch.succeeded = time.Now().Add(time.Since(t.began))
	}
	t.addBlame(&r)
	r.out.NotCalled = isNotCalled(r.err)
	e.updateBreaker(t, &r)
	defer func() {
		e.startCalls(t.adapter)
		if t.ch.adapter != t.adapter { // the channel has another adapter by now
			e.startCalls(t.ch.adapter)
		}
	}()
	if end := time.Now().Add(r.pause); r.pause > 0 && end.After(t.ch.pause) {
		t.ch.pause = end
	}
	t.ch.notReady = ""
	if errors.Is(r.err, plugin.ErrNotReady) && t.settings.Caller == t.ch.Caller {
		t.ch.notReadyUntil, t.ch.notReady = time.Now().Add(notReadyPause), r.err.Error()
	}
	if e.requeue(t, r.err) {
		return
	}
	e.forget(t)
	if e.stopping && !t.canceled && errors.Is(r.err, plugin.ErrNotReady) {
		return // it has not started, so it stays in the log
	}
	t.limitRetry(r.out)
	e.finish(t.job, r.out)
}

// requeue keeps a task whose adapter was not ready, or on which its adapter broke. It reports whether it kept the task.
// It does not keep typing and read events.
func (e *Engine) requeue(t *task, err error) bool {
	switch {
	case err == nil || t.canceled || e.stopping || t.ch.removed || t.isPastDeadline() || t.job.Delivery.IsTriedOnce():
		return false
	case errors.Is(err, plugin.ErrNotReady):
		t.ch.putBack(t)
	case !t.keepBroken(err):
		return false
	}
	e.watch(t)
	return true
}
