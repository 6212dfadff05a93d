package delivery

import "time"

// mayCall reports whether the breaker and the pauses allow a call to the channel now. If not, a later event calls
// startCalls again: the end of the pause, the breaker's timer, or the end of the breaker's call.
func (e *Engine) mayCall(ch *channel) bool {
	if e.stopping || ch.paused || !ch.breaker.allows() {
		return false
	}
	if wait := max(time.Until(ch.pause), time.Until(ch.notReadyUntil)); wait > 0 {
		e.wakeAfter(ch, wait)
		return false
	}
	return true
}

// withinRate reports whether the rate limit permits a call, and counts the call. If not, it calls startCalls later.
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
