package serve

import (
	"context"
	"sync"
	"time"
)

// callKind is the kind of stream that a call belongs to. Ids of calls are unique per kind.
type callKind int

const (
	callReceive callKind = iota
	callDeliver
	callFetch
	callKinds
)

// calls holds the running calls of the process. It is safe for concurrent use.
type calls struct {
	mu        sync.Mutex
	running   [callKinds]map[uint64]context.CancelFunc
	newest    [callKinds]uint64          // the highest id that was started; on a stream, ids increase
	preempted [callKinds]map[uint64]bool // calls of streams that were canceled before they arrived
	total     int
	draining  bool
	idle      chan struct{} // closed when draining and no call runs
}

func newCalls() *calls {
	c := &calls{idle: make(chan struct{})}
	for k := range c.running {
		c.running[k], c.preempted[k] = map[uint64]context.CancelFunc{}, map[uint64]bool{}
	}
	return c
}

// start registers a call and returns its context. While draining, it returns false. If it returns true, the caller must
// call end.
func (c *calls) start(parent context.Context, k callKind, id uint64, limit time.Duration) (context.Context, bool) {
	var ctx context.Context
	var cancel context.CancelFunc
	if limit > 0 {
		ctx, cancel = context.WithTimeout(parent, limit)
	} else {
		ctx, cancel = context.WithCancel(parent)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		cancel()
		return nil, false
	}
	c.running[k][id] = cancel
	c.newest[k] = max(c.newest[k], id)
	c.total++
	if c.preempted[k][id] {
		delete(c.preempted[k], id)
		cancel()
	}
	return ctx, true
}

// end removes a call and frees its context.
func (c *calls) end(k callKind, id uint64) {
	c.mu.Lock()
	cancel := c.running[k][id]
	delete(c.running[k], id)
	c.total--
	if c.draining && c.total == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// cancel cancels calls. On a stream, a cancellation may overtake its call, which is canceled when it starts. Other
// calls with unknown ids have ended.
func (c *calls) cancel(k callKind, ids []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if cancel := c.running[k][id]; cancel != nil {
			cancel()
		} else if k != callFetch && id > c.newest[k] {
			c.preempted[k][id] = true
		}
	}
}

// drain refuses new calls, and waits until no call runs or ctx ends. It cancels fetches, because the gateway can fetch
// the media from the next process.
func (c *calls) drain(ctx context.Context) {
	c.mu.Lock()
	if !c.draining {
		c.draining = true
		for _, cancel := range c.running[callFetch] {
			cancel()
		}
		if c.total == 0 {
			close(c.idle)
		}
	}
	c.mu.Unlock()
	select {
	case <-c.idle:
	case <-ctx.Done():
	}
}

// count returns the number of running calls.
func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}
