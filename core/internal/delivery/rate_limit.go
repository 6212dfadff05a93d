package delivery

import "time"

// isOpen reports whether a call to the channel may start now, as far as the breaker and pauses are concerned. Otherwise a
// later try is scheduled.
func (e *Engine) isOpen(ch *channel) bool {
	if e.stopping || ch.paused || !ch.breaker.allows() { // the end of the pause, the breaker's timer or the end of its
		// call tries again
		return false
	}
	if wait := max(time.Until(ch.pause), time.Until(ch.notReadyUntil)); wait > 0 {
		e.wakeAfter(ch, wait)
		return false
	}
	return true
}

// withinRate reports whether the rate limit permits a call, and counts it. Otherwise a later try is scheduled.
func (e *Engine) withinRate(ch *channel) bool {
	if ch.limiter == nil {
		return true
	}
	r := ch.limiter.Reserve()
	wait := r.Delay()
	if wait > 0 {
		r.Cancel()
		e.wakeAfter(ch, wait)
	}
	return wait <= 0
}

// wakeAfter starts the channel's calls after a delay. A later call replaces an earlier one.
func (e *Engine) wakeAfter(ch *channel, d time.Duration) {
	if ch.wakeTimer != nil {
		ch.wakeTimer.Stop()
	}
	ch.wakeTimer = time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.startCalls(ch.adapter)
	})
}
