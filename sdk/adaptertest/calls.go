package adaptertest

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errHangs means that a call has no result although its time is over.
var errHangs = errors.New("no result: the call hangs")

// errDied means that the process or its stream ended before there was a result.
var errDied = errors.New("the adapter's process or its stream ended")

// calls matches the results of one stream with their calls. It is safe for concurrent use. A nil *calls is the stream of an
// ability that the adapter does not have.
type calls[C, R any] struct {
	send func([]C) error
	idOf func(R) uint64

	sending sync.Mutex // one writer at a time

	mu      sync.Mutex
	next    uint64
	pending map[uint64]chan R
	strange int // results of calls that nobody made
	ended   chan struct{}
}

func newCalls[C, R any](send func([]C) error, idOf func(R) uint64) *calls[C, R] {
	return &calls[C, R]{send: send, idOf: idOf, pending: map[uint64]chan R{}, ended: make(chan struct{})}
}

// read takes results until the stream ends.
func (c *calls[C, R]) read(recv func() ([]R, error)) {
	defer close(c.ended)
	for {
		results, err := recv()
		if err != nil {
			return
		}
		c.take(results...)
	}
}

// take hands results to those who wait for them.
func (c *calls[C, R]) take(results ...R) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range results {
		ch := c.pending[c.idOf(r)]
		if ch == nil {
			c.strange++
			continue
		}
		delete(c.pending, c.idOf(r))
		ch <- r // has room
	}
}

// strangers returns how many results belonged to no call, or to one that had a result.
func (c *calls[C, R]) strangers() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.strange
}

// over reports whether the stream has ended.
func (c *calls[C, R]) over() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// begin reserves an id and returns where its result will be.
func (c *calls[C, R]) begin() (uint64, chan R) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	ch := make(chan R, 1)
	c.pending[c.next] = ch
	return c.next, ch
}

// put sends calls as one frame.
func (c *calls[C, R]) put(frame ...C) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.send(frame); err != nil {
		return errDied
	}
	return nil
}

// wait returns a call's result, errDied, or errHangs after limit.
func (c *calls[C, R]) wait(ctx context.Context, result chan R, limit time.Duration) (R, error) {
	var none R
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case r := <-result:
		return r, nil
	case <-t.C:
		return none, errHangs
	case <-ctx.Done():
		return none, ctx.Err()
	case <-c.ended:
	}
	select { // it may have come just before the end
	case r := <-result:
		return r, nil
	default:
		return none, errDied
	}
}
