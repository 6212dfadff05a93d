package delivery

import "time"

// allow reports whether a call to the channel may start now. The vendor's pause must be over, the rate limit must
// permit a call, and the breaker must not be open. Otherwise allow schedules a later try. If ok is true, the caller
// must call done with the result of the call.
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
