package plugin

import (
	"container/list"
	"context"
	"sync"
)

// callQueue orders the calls of one kind of an adapter while its process is replaced. Calls that were held or repeated
// are delayed: they return after all earlier calls, and later calls return after them. Calls that may have caused the
// end of a process are suspects: they run alone, one after the other, before all other calls. Without delayed calls and
// suspects, no call waits. It is safe for concurrent use.
type callQueue struct {
	mu       sync.Mutex
	calls    list.List // of *callTurn, in order of arrival
	running  int
	delayed  int
	suspects int
	changed  chan struct{} // closed to wake the waiting calls; nil if no call waits
}

// callTurn is one call in the queue. The lock of the queue guards it.
type callTurn struct {
	queue   *callQueue
	place   *list.Element
	running bool
	delayed bool
	suspect bool
}

func (q *callQueue) enter() *callTurn {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := &callTurn{queue: q}
	c.place = q.calls.PushBack(c)
	return c
}

// leave ends a call.
func (c *callTurn) leave() {
	q := c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls.Remove(c.place)
	if c.delayed {
		q.delayed--
	}
	if c.suspect {
		q.suspects--
	}
	q.wake()
}

// wake makes waiting calls check again whether they may continue. The caller holds the lock.
func (q *callQueue) wake() {
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

// start starts a call without waiting. It reports false if the call must wait for others.
func (c *callTurn) start() bool {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	return c.tryStart()
}

func (c *callTurn) tryStart() bool {
	q := c.queue
	if q.suspects > 0 && (q.running > 0 || q.first(func(o *callTurn) bool { return o.suspect }) != c) {
		return false
	}
	c.running = true
	q.running++
	return true
}

// awaitStart delays a call until it may start, and starts it. It reports false if ctx ends first.
func (c *callTurn) awaitStart(ctx context.Context) bool {
	c.delay()
	return c.queue.await(ctx, c.tryStart)
}

// stop ends a run of a call. The call may run again.
func (c *callTurn) stop() {
	q := c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	c.running = false
	q.running--
	q.wake()
}

// delay makes a call a delayed one.
func (c *callTurn) delay() {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	c.setDelayed()
}

func (c *callTurn) setDelayed() {
	if !c.delayed {
		c.delayed = true
		c.queue.delayed++
	}
}

// repeat makes a call a delayed one and, if suspect is set, a suspect.
func (c *callTurn) repeat(suspect bool) {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	c.setDelayed()
	if suspect && !c.suspect {
		c.suspect = true
		c.queue.suspects++
	}
}

// clearSuspicion ends the suspicion against a call.
func (c *callTurn) clearSuspicion() {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	c.removeSuspect()
}

func (c *callTurn) removeSuspect() {
	if c.suspect {
		c.suspect = false
		c.queue.suspects--
		c.queue.wake()
	}
}

// awaitTurn waits until a call may return. A call with a result is no suspect any more. A call that must wait becomes a
// delayed one. awaitTurn reports false if ctx ends first.
func (c *callTurn) awaitTurn(ctx context.Context) bool {
	q := c.queue
	return q.await(ctx, func() bool {
		c.removeSuspect()
		if !c.delayed && (q.delayed == 0 || q.first(func(o *callTurn) bool { return o == c || o.delayed }) == c) {
			return true
		}
		c.setDelayed()
		return q.calls.Front() == c.place
	})
}

// first returns the first call that satisfies a condition. The caller holds the lock.
func (q *callQueue) first(ok func(*callTurn) bool) *callTurn {
	for e := q.calls.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*callTurn); ok(c) {
			return c
		}
	}
	return nil
}

// await waits until ready, which it calls with the lock, returns true. It reports false if ctx ends first.
func (q *callQueue) await(ctx context.Context, ready func() bool) bool {
	for {
		q.mu.Lock()
		if ready() {
			q.mu.Unlock()
			return true
		}
		if q.changed == nil {
			q.changed = make(chan struct{})
		}
		changed := q.changed
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
