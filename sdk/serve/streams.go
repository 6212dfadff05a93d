package serve

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// call is a call on a stream.
type call interface {
	GetId() uint64
	GetTimeout() *durationpb.Duration
}

// serveCalls reads frames of calls until the stream or the service ends. Each call runs in its own goroutine, so that
// reading never waits for a call. At the end, serveCalls cancels the running calls, waits for them, and returns after
// the last result was written. While the adapter drains, a new call does not run, and refuse returns its result.
func serveCalls[C call, R any](s *service, streamCtx context.Context, kind callKind,
	recv func() ([]C, error), run func(context.Context, C) R, refuse func(id uint64) R, w *resultWriter[R]) error {
	ctx, cancel := context.WithCancel(streamCtx)
	defer cancel()
	work := newWorkers()
	readDone, writeDone := make(chan error, 1), make(chan error, 1)
	go func() {
		for {
			frame, err := recv()
			if err != nil {
				readDone <- err
				return
			}
			for _, c := range frame {
				callCtx, ok := s.calls.start(ctx, kind, c.GetId(), c.GetTimeout().AsDuration())
				if !ok {
					w.put(refuse(c.GetId()))
					continue
				}
				work.run(func() {
					defer s.calls.end(kind, c.GetId())
					w.put(run(callCtx, c))
				})
			}
		}
	}()
	go func() { writeDone <- w.run() }()

	var err error
	select {
	case err = <-readDone:
	case err = <-writeDone: // the stream is broken, so reading ends as well
		writeDone <- err
		<-readDone
	case <-s.stopped: // after a drain: no call starts any more
	}
	cancel()
	work.wait()
	w.close()
	<-writeDone
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return status.FromContextError(streamCtx.Err()).Err()
}

// resultWriter writes a stream. It sends all queued results as one frame.
type resultWriter[R any] struct {
	send func([]R) error
	size func(R) int

	mu     sync.Mutex
	queue  []R
	closed bool
	wake   chan struct{}
}

func newResultWriter[R any](size func(R) int, send func([]R) error) *resultWriter[R] {
	return &resultWriter[R]{send: send, size: size, wake: make(chan struct{}, 1)}
}

// put queues a result. It never blocks.
func (w *resultWriter[R]) put(r R) {
	w.mu.Lock()
	w.queue = append(w.queue, r)
	first := len(w.queue) == 1
	w.mu.Unlock()
	if first {
		w.notify()
	}
}

// close ends run after the queued results were sent.
func (w *resultWriter[R]) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.notify()
}

func (w *resultWriter[R]) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run sends until close or the first error.
func (w *resultWriter[R]) run() error {
	var spare []R
	for range w.wake {
		runtime.Gosched() // lets calls that are ready join this frame
		w.mu.Lock()
		batch, closed := w.queue, w.closed
		w.queue = spare[:0]
		w.mu.Unlock()
		if err := w.sendFrames(batch); err != nil {
			return err
		}
		clear(batch)
		spare = batch
		if closed {
			return nil
		}
	}
	return nil
}

func (w *resultWriter[R]) sendFrames(batch []R) error {
	for len(batch) > 0 {
		n, bytes := 0, 0
		for n < len(batch) && n < protocol.MaxFrameCalls {
			size := w.size(batch[n])
			if n > 0 && bytes+size > protocol.MaxFrameBytes {
				break
			}
			bytes += size
			n++
		}
		if err := w.send(batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// resultOverhead is an upper estimate of the encoded size of a result's small fields.
const resultOverhead = 256

func receiveResultSize(r *pluginpb.ReceiveResult) int {
	n := resultOverhead + len(r.GetResponse().GetBody()) + len(r.GetError().GetBody())
	for _, h := range r.GetResponse().GetHeader() {
		n += len(h.GetName()) + len(h.GetValue())
	}
	for _, e := range r.GetEnvelopes() {
		n += len(e)
	}
	return n
}

func deliverResultSize(r *pluginpb.DeliverResult) int {
	n := resultOverhead + len(r.GetState()) + len(r.GetVendorId()) + len(r.GetDegraded())
	for _, e := range r.GetReplies() {
		n += len(e)
	}
	return n
}
