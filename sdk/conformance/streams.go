package conformance

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
)

var (
	// errHangs means that a call has no result although its time is over.
	errHangs = errors.New("no result: the call hangs")
	// errDied means that the process or its stream ended before there was a result.
	errDied = errors.New("the process or its stream ended")
)

// withID is a result of the protocol, which has the id of its call.
type withID interface{ GetId() uint64 }

// stream matches the results of a Receive or Deliver stream with their calls. It is safe for concurrent use. It may be
// nil if the adapter lacks the ability.
type stream[C any, R withID] struct {
	send   func([]C) error
	number func(call C, id uint64) // gives a call its id

	mu      sync.Mutex
	next    uint64
	pending map[uint64]chan R
	strange int // results without a call, or of a call that had a result
	ended   context.Context
}

func newStream[C, Q, P any, R withID](w grpc.BidiStreamingClient[Q, P], request func([]C) *Q, results func(*P) []R,
	number func(C, uint64)) *stream[C, R] {
	s := &stream[C, R]{number: number, pending: map[uint64]chan R{}}
	s.send = func(frame []C) error { return w.Send(request(frame)) }
	ended, end := context.WithCancel(context.Background())
	s.ended = ended
	go func() {
		defer end()
		for resp, err := w.Recv(); err == nil; resp, err = w.Recv() {
			s.take(results(resp))
		}
	}()
	return s
}

// take hands results to their calls.
func (s *stream[C, R]) take(results []R) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		if ch := s.pending[r.GetId()]; ch != nil {
			delete(s.pending, r.GetId())
			ch <- r // has room
		} else {
			s.strange++
		}
	}
}

// strangers returns the number of results that belong to no call.
func (s *stream[C, R]) strangers() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strange
}

// alive reports whether the stream has not ended.
func (s *stream[C, R]) alive() bool { return s == nil || s.ended.Err() == nil }

// put sends calls as one frame. The results are read by wait.
func (s *stream[C, R]) put(frame ...C) (results []chan R, err error) {
	s.mu.Lock()
	for _, call := range frame {
		s.next++
		s.number(call, s.next)
		results = append(results, make(chan R, 1))
		s.pending[s.next] = results[len(results)-1]
	}
	s.mu.Unlock()
	if s.send(frame) != nil {
		return nil, errDied
	}
	return results, nil
}

func (s *stream[C, R]) wait(ctx context.Context, result chan R, limit time.Duration) (r R, err error) {
	select {
	case r = <-result:
		return r, nil
	case <-time.After(limit):
		return r, errHangs
	case <-ctx.Done():
		return r, ctx.Err()
	case <-s.ended.Done():
	}
	select { // it may have come just before the end
	case r = <-result:
		return r, nil
	default:
		return r, errDied
	}
}
