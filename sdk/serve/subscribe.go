package serve

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// Subscribe implements pluginpb.PluginServiceServer. The context of the adapter's Subscribe ends when the gateway sends
// a stop or closes the stream, and when the adapter drains. After a stop or a drain, the adapter can still emit.
func (s *service) Subscribe(stream pluginpb.PluginService_SubscribeServer) error {
	subscriber, ok := s.adapter.(sdk.Subscriber)
	if !ok {
		return status.Error(codes.Unimplemented, "this adapter does not subscribe")
	}
	sub, err := readSubscription(stream.Recv)
	if err != nil {
		return err
	}
	run, err := s.subscriptions.start(stream.Context(), sub.Channel)
	if err != nil {
		return stream.Send(&pluginpb.SubscribeResponse{Error: errorToProto(err)})
	}
	defer run.end()
	e := &emitter{
		channel: sub.Channel, send: stream.Send, acks: make(chan uint64, 1), broken: make(chan struct{}),
		stopped: s.stopped, returned: make(chan struct{}),
	}
	go e.readAcks(stream, run.cancel) // ends with the stream, which ends when this method returns
	err = s.catchPanic("subscribe", func() error { return subscriber.Subscribe(run.ctx, sub, e.emit) })
	e.close()
	if err == nil || run.ctx.Err() != nil {
		return nil
	}
	return stream.Send(&pluginpb.SubscribeResponse{Error: errorToProto(err)})
}

// readSubscription reads the start position: one message, or several if there are many threads.
func readSubscription(recv func() (*pluginpb.SubscribeRequest, error)) (*sdk.Subscription, error) {
	first, err := recv()
	if err != nil {
		return nil, err
	}
	sub := &sdk.Subscription{Channel: first.GetChannel()}
	if len(first.GetCursor()) > 0 {
		sub.Cursor = first.GetCursor()
	}
	for next := first; ; {
		for _, t := range next.GetThreads() {
			sub.Threads = append(sub.Threads, sdk.LiveThread{Thread: t.GetThread(), State: t.GetState()})
		}
		if !next.GetMoreThreads() {
			return sub, nil
		}
		if next, err = recv(); err != nil {
			return nil, err
		}
	}
}

// emitter implements Emit for one Subscribe.
type emitter struct {
	channel  string
	send     func(*pluginpb.SubscribeResponse) error
	acks     chan uint64     // numbers of stored batches
	broken   chan struct{}   // closed after the last ack
	stopped  <-chan struct{} // closed when the process ends
	returned chan struct{}   // closed when Subscribe has returned

	mu     sync.Mutex // held from sending a batch to its ack
	batch  uint64
	closed bool
}

// readAcks reads the gateway's messages until the stream ends. It calls cancel after a stop and at the end of the
// stream.
func (e *emitter) readAcks(stream pluginpb.PluginService_SubscribeServer, cancel context.CancelFunc) {
	defer cancel()
	defer close(e.broken)
	for {
		m, err := stream.Recv()
		if err != nil {
			return
		}
		if m.GetStop() {
			cancel()
			continue
		}
		select {
		case e.acks <- m.GetStored():
		case <-stream.Context().Done():
			return
		}
	}
}

// emit implements sdk.Emit.
func (e *emitter) emit(ctx context.Context, list []*envelope.Envelope, cursor []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(list) == 0 && len(cursor) == 0 {
		return nil
	}
	out, err := e.encode(list, cursor)
	if err != nil {
		return &sdk.Error{Kind: sdk.KindInvalid, Op: opEmit, Err: err}
	}
	if !e.mu.TryLock() {
		text := "the previous batch is not stored yet; do not call emit concurrently"
		return &sdk.Error{Kind: sdk.KindPermanent, Op: opEmit, Text: text}
	}
	defer e.mu.Unlock()
	if e.closed {
		return errUnsubscribed
	}
	e.batch++
	out.Batch = e.batch
	if err := e.send(out); err != nil {
		return &sdk.Error{Kind: sdk.KindTransient, Op: opEmit, Err: err}
	}
	return e.wait()
}

const opEmit = "emit"

var errUnsubscribed = &sdk.Error{Kind: sdk.KindTransient, Op: opEmit, Text: "the subscription has ended"}

func (e *emitter) encode(list []*envelope.Envelope, cursor []byte) (*pluginpb.SubscribeResponse, error) {
	if len(cursor) > sdk.MaxCursorBytes {
		return nil, fmt.Errorf("the cursor has %d bytes, at most %d", len(cursor), sdk.MaxCursorBytes)
	}
	out := &pluginpb.SubscribeResponse{Cursor: cursor}
	var err error
	out.Envelopes, err = encodeEnvelopes("envelope", list, func(v *envelope.Envelope) error {
		if v.Channel != e.channel {
			return fmt.Errorf("channel: %q, must be %q", v.Channel, e.channel)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n := proto.Size(out); n > maxResultBytes {
		return nil, fmt.Errorf("the batch has %d bytes, at most %d; emit fewer envelopes per batch", n, maxResultBytes)
	}
	return out, nil
}

// wait waits until the batch is stored or the subscription ends. It does not end with the context of Emit.
func (e *emitter) wait() error {
	for {
		select {
		case n := <-e.acks:
			if n == e.batch {
				return nil
			}
		case <-e.broken:
			select {
			case n := <-e.acks: // the last ack
				if n == e.batch {
					return nil
				}
			default:
			}
			return errUnsubscribed
		case <-e.stopped:
			return errUnsubscribed
		case <-e.returned:
			return errUnsubscribed
		}
	}
}

// close makes later calls of emit fail, such as those of a goroutine that outlives Subscribe.
func (e *emitter) close() {
	close(e.returned)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}
