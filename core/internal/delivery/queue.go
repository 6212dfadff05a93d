package delivery

import (
	"container/list"
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/attempt"
)

// maxMediaInFlight is the maximum size of all media in a channel's calls. They are in the plugin process's memory.
const maxMediaInFlight = 64 << 20

// maxSearched is the number of tasks that channel.next searches, so that its time does not depend on the queue's
// length.
const maxSearched = 100

// task is a job on its way through the engine. The engine's lock guards it, except the field media while preparing is
// set.
type task struct {
	job        *attempt.Job
	ch         *channel
	settings   *Channel                // of the channel; they do not change while the media are read or the call runs
	adapter    *adapterState           // that runs the call
	place      *list.Element           // in the channel's queue; nil if it is not queued
	queuedAt   time.Time               // when it was put into the queue
	began      time.Time               // start of its call
	cancel     context.CancelCauseFunc // set while the media are read or the call runs
	until      time.Time               // end of the wait or time limit of the call, see watch; zero without one
	canceled   bool
	preparing  bool // its media are being read
	blame      int  // weight of the faults of the adapter that it may have caused
	suspect    bool // it was in flight when the adapter crashed; its next call runs alone
	media      map[int]readyMedium
	mediaBytes int64 // of media that are transferred with the call
}

// channel is the state of one channel. The engine's lock guards it.
type channel struct {
	*Channel      // never changes; Configure replaces it
	removed       bool
	adapter       *adapterState
	tasks         map[*task]bool // without an outcome
	queue         *list.List     // of *task
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
	fullSince     time.Time // since then, all calls are in use and deliveries wait for one; zero if not
	succeeded     time.Time // end of the last successful call, plus its duration: the next one may take as long
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

// next returns the first task that may start, or nil. Tasks with media wait until there is room for their bytes, in
// order; tasks without media overtake them. A half-open breaker prefers a delivery that has not failed yet, because a
// delivery that has failed may be the cause of the breaker's failures. next looks only at the first maxSearched tasks.
func (c *channel) next() *task {
	full, first, e := false, (*task)(nil), c.queue.Front()
	for n := 0; e != nil && n < maxSearched; n, e = n+1, e.Next() {
		t := e.Value.(*task)
		if t.mediaBytes > 0 && (full || c.mediaInFlight > 0 && c.mediaInFlight+t.mediaBytes > maxMediaInFlight) {
			full = true
			continue
		}
		if c.breaker.state != breakerHalfOpen || t.job.Delivery.Attempts == 0 {
			return t
		}
		if first == nil {
			first = t
		}
	}
	return first
}

// append puts a task at the end of the queue.
func (c *channel) append(t *task) { t.place, t.queuedAt = c.queue.PushBack(t), time.Now() }

// putBack puts a task at the front of the queue.
func (c *channel) putBack(t *task) { t.place, t.queuedAt = c.queue.PushFront(t), time.Now() }

// remove removes a task from the queue or from the suspects.
func (c *channel) remove(t *task) {
	if t.place != nil {
		c.queue.Remove(t.place)
		t.place = nil
		if c.queue.Len() == 0 {
			c.fullSince = time.Time{}
		}
		return
	}
	if i := slices.Index(c.adapter.suspects, t); i >= 0 {
		c.adapter.suspects = slices.Delete(slices.Clone(c.adapter.suspects), i, i+1)
	}
}
