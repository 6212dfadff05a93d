package delivery

import "time"

// allow reports whether a call to the channel may start now. The breaker must allow it, the vendor's pause must be
// over, and the rate limit must permit a call. Otherwise a later try is scheduled.
func (e *Engine) allow(ch *channel) bool {
	if e.stopping || ch.paused || !ch.breaker.allows() { // the end of the pause, the breaker's timer or the end of its
		// call tries again
		return false
	}
	if wait := max(time.Until(ch.pause), time.Until(ch.notReadyUntil)); wait > 0 {
		e.wakeAfter(ch, wait)
		return false
	}
	if ch.limiter != nil {
		r := ch.limiter.Reserve()
		if wait := r.Delay(); wait > 0 {
			r.Cancel()
			e.wakeAfter(ch, wait)
			return false
		}
	}
	return true
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
