package delivery

import (
	"time"

	"patchbay/core/internal/attempt"
)

// noteFull notes since when deliveries wait for nothing but the end of another call. Pauses, the breaker, the rate limit
// and the search for crash suspects leave calls unused, so the channel is not full then.
func (c *channel) noteFull() {
	switch full := c.running >= c.Concurrency && c.queue.Len() > 0; {
	case !full:
		c.fullSince = time.Time{}
	case c.fullSince.IsZero():
		c.fullSince = time.Now()
	}
}

// addSaturation adds to the state of a channel how long it has been full.
func (c *channel) addSaturation(s *attempt.ChannelState) {
	if c.fullSince.IsZero() || c.paused {
		return
	}
	s.Full = time.Since(c.fullSince)
	s.Waits = min(s.Full, time.Since(c.queue.Front().Value.(*task).queuedAt))
	s.SinceSuccess = time.Since(c.succeeded)
}
