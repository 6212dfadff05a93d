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

// errNotSent means that the process or ctx ended before the call was sent.
var errNotSent = errors.New("call was not sent")

// callStream sends calls over one stream and matches results by id. One goroutine writes frames of all queued calls,
// and one reads results. It is safe for concurrent use.
type callStream[C, R any] struct {
	size    func(C) int
	prepare func(call C, id uint64, limit *durationpb.Duration)
	idOf    func(R) uint64
	send    func([]C) error
	recv    func() ([]R, error)
	grace   time.Duration    // time that a canceled call has to end
	overdue func(change int) // counts canceled calls that have not ended
	hung    func(C)          // called when a canceled call has not ended within grace

	mu        sync.Mutex
	nextID    uint64
	pending   map[uint64]*pendingCall[R]
	queue     []queuedCall[C, R]
	abandoned []uint64 // ids of calls to cancel
	hadResult bool     // a call has had a result
	closed    bool
	wake      chan struct{} // wakes the writer
	cancels   chan struct{} // signals that abandoned is not empty
	ended     chan struct{} // closed by read after the last result
}

// pendingCall is a call without a result. The lock of the stream guards its fields, except id and done.
type pendingCall[R any] struct {
	id       uint64
	sent     bool
	hung     bool           // it has not ended within the grace after it was canceled
	canceled chan struct{}  // closed when the grace begins; nil before abandon
	ended    chan struct{}  // closed when the call has a result; nil before abandon
	done     func(R, error) // called once, without the lock; it must not block
}

type queuedCall[C, R any] struct {
	call C
	p    *pendingCall[R]
}

func newCallStream[C, R any]() *callStream[C, R] {
	return &callStream[C, R]{
		pending: map[uint64]*pendingCall[R]{}, wake: make(chan struct{}, 1), cancels: make(chan struct{}, 1),
		ended: make(chan struct{}),
	}
}

// maxCallBytes leaves room for the frame around a call.
const maxCallBytes = protocol.MaxMessageBytes - 64<<10

// do sends a call and returns its result; see start. If ctx ends first, do abandons the call and still waits for its
// result.
func (s *callStream[C, R]) do(ctx context.Context, call C) (result R, resultErr error) {
	done := make(chan struct{})
	p, err := s.start(ctx, call, func(r R, err error) {
		result, resultErr = r, err
		close(done)
	})
	if err != nil {
		return result, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		s.abandon(call, p)
		<-done
	}
	return result, resultErr
}

// start sends a call. The deadline of ctx becomes the call's timeout, but start does not watch the end of ctx: see
// abandon. done gets the result, errNotSent if the call did not reach the process, or a BrokeError if the process ended
// during the call. If start returns an error, done is not called.
func (s *callStream[C, R]) start(ctx context.Context, call C, done func(R, error)) (*pendingCall[R], error) {
	if n := s.size(call); n > maxCallBytes {
		return nil, &TooLargeError{Bytes: n, Limit: maxCallBytes}
	}
	var limit *durationpb.Duration
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if left <= 0 {
			return nil, errNotSent
		}
		limit = durationpb.New(left - min(left/20, 500*time.Millisecond))
	}
	p := &pendingCall[R]{done: done}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errNotSent
	}
	s.nextID++
	p.id = s.nextID
	s.prepare(call, p.id, limit)
	s.pending[p.id] = p
	s.queue = append(s.queue, queuedCall[C, R]{call, p})
	first := len(s.queue) == 1
	s.mu.Unlock()
	if first {
		signal(s.wake)
	}
	return p, nil
}

// abandon asks the adapter to cancel a call and waits for its result. If the call does not end within the grace after
// the adapter got the cancellation, it hangs, and the process is replaced. Only the first abandon of a call has an
// effect; further ones return immediately.
func (s *callStream[C, R]) abandon(call C, p *pendingCall[R]) {
	s.mu.Lock()
	if s.pending[p.id] != p || p.ended != nil {
		s.mu.Unlock()
		return
	}
	if !p.sent {
		delete(s.pending, p.id)
		s.mu.Unlock()
		var none R
		p.done(none, errNotSent)
		return
	}
	p.canceled, p.ended = make(chan struct{}), make(chan struct{})
	s.abandoned = append(s.abandoned, p.id)
	signal(s.cancels)
	s.mu.Unlock()
	s.overdue(1)
	defer s.overdue(-1)
	select {
	case <-p.ended:
		return
	case <-p.canceled:
	}
	t := time.NewTimer(s.grace)
	defer t.Stop()
	select {
	case <-p.ended:
		return
	case <-t.C:
	}
	s.mu.Lock()
	p.hung = s.pending[p.id] == p
	s.mu.Unlock()
	if p.hung {
		s.hung(call)
	}
	<-p.ended
}

// take removes a call that ends. The caller holds the lock, releases it, and then calls the call's done.
func (s *callStream[C, R]) take(p *pendingCall[R]) {
	delete(s.pending, p.id)
	if p.ended != nil {
		close(p.ended)
	}
}

// takeAbandoned returns the ids to cancel, each once.
func (s *callStream[C, R]) takeAbandoned() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.abandoned
	s.abandoned = nil
	return ids
}

// markCanceled starts the grace of calls.
func (s *callStream[C, R]) markCanceled(ids []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if p := s.pending[id]; p != nil {
			close(p.canceled)
		}
	}
}

// read takes results until the stream ends. It drops results of unknown calls.
func (s *callStream[C, R]) read() error {
	defer close(s.ended)
	for {
		results, err := s.recv()
		if err != nil {
			return err
		}
		for _, r := range results {
			s.mu.Lock()
			p := s.pending[s.idOf(r)]
			known := p != nil && p.sent
			if known {
				s.take(p)
				s.hadResult = true
			}
			s.mu.Unlock()
			if known {
				p.done(r, nil)
			}
		}
	}
}

// write sends queued calls until ctx ends or the stream breaks.
func (s *callStream[C, R]) write(ctx context.Context) error {
	var spare []queuedCall[C, R]
	var frame []C
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		runtime.Gosched() // lets callers that are ready join this frame
		s.mu.Lock()
		batch := s.queue
		s.queue = spare[:0]
		s.mu.Unlock()
		for rest := batch; len(rest) > 0; {
			frame, rest = s.nextFrame(frame[:0], rest)
			if len(frame) == 0 {
				continue
			}
			if err := s.send(frame); err != nil {
				return err
			}
		}
		clear(batch)
		clear(frame)
		spare = batch
	}
}

// nextFrame moves calls from batch to frame, up to the limits of a frame, and marks them as sent. It drops abandoned
// calls.
func (s *callStream[C, R]) nextFrame(frame []C, batch []queuedCall[C, R]) ([]C, []queuedCall[C, R]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes := 0
	for i, q := range batch {
		if s.pending[q.p.id] != q.p {
			continue
		}
		size := s.size(q.call)
		if len(frame) > 0 && (len(frame) == protocol.MaxFrameCalls || bytes+size > protocol.MaxFrameBytes) {
			return frame, batch[i:]
		}
		q.p.sent = true
		bytes += size
		frame = append(frame, q.call)
	}
	return frame, nil
}

// stoppedCalls describes the calls of a stream at its end.
type stoppedCalls struct {
	sent      int  // without a result
	hung      int  // of these
	hadResult bool // another call has had a result
}

// close refuses further calls and describes those without a result.
func (s *callStream[C, R]) close() stoppedCalls {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	out := stoppedCalls{hadResult: s.hadResult}
	for _, p := range s.pending {
		if p.sent {
			out.sent++
		}
		if p.hung {
			out.hung++
		}
	}
	return out
}

// fail ends all calls after close: sent calls with the error that broke returns, the others with errNotSent. The
// stream's goroutines must have ended before. They read the messages of the callers, and a caller may change its
// message when its call has ended.
func (s *callStream[C, R]) fail(broke func(hung bool) error) {
	s.mu.Lock()
	var ended []pendingCall[R] // copies, because abandon may still change hung
	for _, p := range s.pending {
		s.take(p)
		ended = append(ended, *p)
	}
	s.queue = nil
	s.mu.Unlock()
	for _, p := range ended {
		var none R
		if p.sent {
			p.done(none, broke(p.hung))
		} else {
			p.done(none, errNotSent)
		}
	}
}

// pendingCalls returns the number of calls without a result that do not hang.
func (s *callStream[C, R]) pendingCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.pending {
		if !p.hung {
			n++
		}
	}
	return n
}

// signal fills a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
