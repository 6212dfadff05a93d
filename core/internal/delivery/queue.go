package delivery

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/attempt"
)

// maxMediaInFlight is the maximum size of all media in a channel's calls. They are in the plugin process's memory.
const maxMediaInFlight = 64 << 20

// task is a job on its way through the engine. The engine's lock guards it, except media while it is prepared.
type task struct {
	job        *attempt.Job
	ch         *channel
	settings   *Channel           // of the channel; they do not change while the media are read or the call runs
	adapter    *adapterState      // that runs the call
	cancel     context.CancelFunc // set while the media are read or the call runs
	canceled   bool
	expiry     *time.Timer // ends the task at its deadline; set when it waits
	preparing  bool        // its media are being read
	blame      int         // weight of the faults of the adapter that it may have caused
	suspect    bool        // it was in flight when the adapter crashed, so it runs alone
	media      map[int]readyMedium
	mediaBytes int64 // of media that are transferred with the call
}

// channel is the state of one channel. The engine's lock guards it.
type channel struct {
	*Channel      // never changes; Configure replaces it
	removed       bool
	adapter       *adapterState
	queue         []*task
	running       int
	mediaInFlight int64
	breaker       breaker
	limiter       *rate.Limiter // nil without a rate limit
	pause         time.Time     // end of the pause that the vendor asked for
	paused        bool          // an operator paused it; no call starts
	resumed       time.Time     // end of the operator's last pause
	notReadyUntil time.Time     // the adapter was not ready; no call starts before
	notReady      string        // error of the last call if the adapter was not ready
	wakeTimer     *time.Timer
	now           func() time.Time
	started       time.Time // of the engine
}

// adapterState is the state of one adapter, which several channels may share.
type adapterState struct {
	running  int
	suspects []*task // while there are any, they run one at a time
	suspect  *task   // the suspect that runs
	channels []*channel
}

// next returns the index of the first task that may start, or -1. Tasks with media wait until there is room for their
// bytes, in order; tasks without media overtake them. A half-open breaker prefers a delivery that has not failed yet,
// because a delivery that has failed may be the cause of the breaker's failures.
func (c *channel) next() int {
	full, first := false, -1
	for i, t := range c.queue {
		if t.mediaBytes > 0 && (full || c.mediaInFlight > 0 && c.mediaInFlight+t.mediaBytes > maxMediaInFlight) {
			full = true
			continue
		}
		if c.breaker.state != breakerHalfOpen || t.job.Delivery.Attempts == 0 {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// take removes a task from the queue.
func (c *channel) take(i int) *task {
	t := c.queue[i]
	if i == 0 {
		c.queue = c.queue[1:]
	} else {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
	return t
}

// putBack puts a task in front of the queue.
func (c *channel) putBack(t *task) { c.queue = append([]*task{t}, c.queue...) }

// remove removes a task from the queue or from the suspects.
func (c *channel) remove(t *task) {
	if i := slices.Index(c.queue, t); i >= 0 {
		c.queue = slices.Delete(slices.Clone(c.queue), i, i+1)
		return
	}
	if i := slices.Index(c.adapter.suspects, t); i >= 0 {
		c.adapter.suspects = slices.Delete(slices.Clone(c.adapter.suspects), i, i+1)
	}
}
