package plugin

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol"
)

// errNotSent means that the process ended, or ctx did, before the call was handed over.
var errNotSent = errors.New("call was not sent")

// exchange carries calls over one stream and matches their results by id. Callers wait in do; one goroutine writes
// frames of all calls that wait; one reads results. It is safe for concurrent use.
type exchange[C, R any] struct {
	size    func(C) int
	prepare func(call C, id uint64, limit *durationpb.Duration)
	idOf    func(R) uint64
	send    func([]C) error
	recv    func() ([]R, error)

	mu        sync.Mutex
	next      uint64
	pending   map[uint64]*waiter[R]
	queue     []queued[C, R]
	abandoned []uint64 // sent calls that nobody waits for any more
	closed    bool
	wake      chan struct{} // for the writer
	cancels   chan struct{} // for whoever sends Cancel
	ended     chan struct{} // closed by read when there are no more results
}

// waiter is one caller. sent is guarded by the exchange's lock.
type waiter[R any] struct {
	id   uint64
	sent bool
	done chan outcome[R]
}

type outcome[R any] struct {
	result R
	err    error
}

type queued[C, R any] struct {
	call C
	w    *waiter[R]
}

func newExchange[C, R any]() *exchange[C, R] {
	return &exchange[C, R]{
		pending: map[uint64]*waiter[R]{}, wake: make(chan struct{}, 1), cancels: make(chan struct{}, 1),
		ended: make(chan struct{}),
	}
}

// maxCallBytes leaves room for the frame around a call.
const maxCallBytes = protocol.MaxMessageBytes - 64<<10

// do hands over a call and returns its result. It returns errNotSent if the call certainly did not reach the process,
// a DiedError if the process ended with it, and ctx's error if that ended first; then the adapter is told to stop.
func (e *exchange[C, R]) do(ctx context.Context, call C) (R, error) {
	var none R
	if n := e.size(call); n > maxCallBytes {
		return none, &TooLargeError{Bytes: n, Limit: maxCallBytes}
	}
	var limit *durationpb.Duration
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if left <= 0 {
			return none, errNotSent
		}
		limit = durationpb.New(left - min(left/20, 500*time.Millisecond))
	}
	w := &waiter[R]{done: make(chan outcome[R], 1)}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return none, errNotSent
	}
	e.next++
	w.id = e.next
	e.prepare(call, w.id, limit)
	e.pending[w.id] = w
	e.queue = append(e.queue, queued[C, R]{call, w})
	first := len(e.queue) == 1
	e.mu.Unlock()
	if first {
		notify(e.wake)
	}
	select {
	case o := <-w.done:
		return o.result, o.err
	case <-ctx.Done():
		return e.abandon(ctx, w)
	}
}

// abandon gives up waiting. A result that came at the same moment is still taken.
func (e *exchange[C, R]) abandon(ctx context.Context, w *waiter[R]) (R, error) {
	var none R
	e.mu.Lock()
	if e.pending[w.id] != w {
		e.mu.Unlock()
		o := <-w.done
		return o.result, o.err
	}
	delete(e.pending, w.id)
	sent := w.sent
	if sent {
		e.abandoned = append(e.abandoned, w.id)
	}
	e.mu.Unlock()
	if !sent {
		return none, errNotSent
	}
	notify(e.cancels)
	return none, context.Cause(ctx)
}

// takeAbandoned returns the ids to cancel.
func (e *exchange[C, R]) takeAbandoned() []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := e.abandoned
	e.abandoned = nil
	return ids
}

// read takes results until the stream ends. Results that nobody waits for are dropped.
func (e *exchange[C, R]) read() error {
	defer close(e.ended)
	for {
		results, err := e.recv()
		if err != nil {
			return err
		}
		e.mu.Lock()
		for _, r := range results {
			id := e.idOf(r)
			if w := e.pending[id]; w != nil && w.sent {
				delete(e.pending, id)
				w.done <- outcome[R]{result: r} // has room: one outcome per waiter
			}
		}
		e.mu.Unlock()
	}
}

// write sends what waits until ctx ends or the stream breaks.
func (e *exchange[C, R]) write(ctx context.Context) error {
	var spare []queued[C, R]
	var frame []C
	for {
		select {
		case <-e.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		runtime.Gosched() // lets callers that are ready now join this frame
		e.mu.Lock()
		batch := e.queue
		e.queue = spare[:0]
		e.mu.Unlock()
		for rest := batch; len(rest) > 0; {
			frame, rest = e.nextFrame(frame[:0], rest)
			if len(frame) == 0 {
				continue
			}
			if err := e.send(frame); err != nil {
				return err
			}
		}
		clear(batch)
		clear(frame)
		spare = batch
	}
}

// nextFrame moves calls from batch to frame up to the limits of a frame, and marks them sent. It leaves out calls
// that were abandoned.
func (e *exchange[C, R]) nextFrame(frame []C, batch []queued[C, R]) ([]C, []queued[C, R]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	bytes := 0
	for i, q := range batch {
		if e.pending[q.w.id] != q.w {
			continue
		}
		size := e.size(q.call)
		if len(frame) > 0 && (len(frame) == protocol.MaxFrameCalls || bytes+size > protocol.MaxFrameBytes) {
			return frame, batch[i:]
		}
		q.w.sent = true
		bytes += size
		frame = append(frame, q.call)
	}
	return frame, nil
}

// close refuses further calls, and returns how many are with the process.
func (e *exchange[C, R]) close() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	n := 0
	for _, w := range e.pending {
		if w.sent {
			n++
		}
	}
	return n
}

// fail ends all calls after close: those that were sent with err, the others with errNotSent. The goroutines of the
// stream must have ended, so that the calls are the callers' again.
func (e *exchange[C, R]) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, w := range e.pending {
		delete(e.pending, id)
		if w.sent {
			w.done <- outcome[R]{err: err}
		} else {
			w.done <- outcome[R]{err: errNotSent}
		}
	}
	e.queue = nil
}

// waiting returns how many calls have no result yet.
func (e *exchange[C, R]) waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.pending)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
