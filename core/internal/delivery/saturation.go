package delivery

import (
	"time"

	"patchbay/core/internal/attempt"
)

// noteFull sets fullSince, the time since which deliveries wait only for another call to end. During a pause, and while
// the breaker, the rate limit or the search for crash suspects delays deliveries, calls are unused. The channel is not
// full then.
func (c *channel) noteFull() {
	switch full := c.running >= c.Concurrency && c.queue.Len() > 0; {
	case !full:
		c.fullSince = time.Time{}
	case c.fullSince.IsZero():
		c.fullSince = time.Now()
	}
}

// addSaturation adds the duration for which the channel has been full, and the wait of its first task.
func (c *channel) addSaturation(s *attempt.ChannelState) {
	if c.fullSince.IsZero() || c.paused {
		return
	}
	s.Full = time.Since(c.fullSince)
	s.Waits = min(s.Full, time.Since(c.queue.Front().Value.(*task).queuedAt))
	s.SinceSuccess = time.Since(c.succeeded)
}
