package serve

import (
	"context"
	"sync"
	"time"
)

// callKind says on which stream a call came; ids are unique on a stream only.
type callKind int

const (
	callReceive callKind = iota
	callDeliver
	callFetch
	callKinds
)

// calls knows every running call of the process. It is safe for concurrent use.
type calls struct {
	mu       sync.Mutex
	running  [callKinds]map[uint64]context.CancelFunc
	total    int
	draining bool
	idle     chan struct{} // closed when draining and nothing runs
}

func newCalls() *calls {
	c := &calls{idle: make(chan struct{})}
	for k := range c.running {
		c.running[k] = map[uint64]context.CancelFunc{}
	}
	return c
}

// begin registers a call and returns its context, or false when no more calls are taken. Every begin that
// returned true needs one end.
func (c *calls) begin(parent context.Context, k callKind, id uint64, limit time.Duration) (context.Context, bool) {
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
	c.total++
	return ctx, true
}

// end forgets a call and frees its context.
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

// cancel ends the contexts of calls that nobody waits for. Unknown ids are calls that have ended.
func (c *calls) cancel(k callKind, ids []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if cancel := c.running[k][id]; cancel != nil {
			cancel()
		}
	}
}

// drain refuses new calls and waits until none runs or ctx ends. Media that are being read are not waited for: their
// calls are cancelled, since the gateway can ask the next process for them.
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

// count returns how many calls run.
func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}
