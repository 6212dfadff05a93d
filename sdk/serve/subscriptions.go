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

// Subscribe implements pluginpb.PluginServiceServer. The adapter's Subscribe is told to end when the gateway says so or goes away,
// and when the adapter drains; it may emit what it has still to hand over as long as the gateway is there.
func (s *service) Subscribe(stream pluginpb.PluginService_SubscribeServer) error {
	subscriber, able := s.adapter.(sdk.Subscriber)
	if !able {
		return status.Error(codes.Unimplemented, "this adapter does not subscribe")
	}
	l, err := readSubscription(stream.Recv)
	if err != nil {
		return err
	}
	run, err := s.subscriptions.begin(stream.Context(), l.Channel)
	if err != nil {
		return stream.Send(&pluginpb.SubscribeResponse{Error: errorToProto(err)})
	}
	defer run.end()
	e := &emitter{
		channel: l.Channel, send: stream.Send, acks: make(chan uint64, 1), broken: make(chan struct{}),
		stopped: s.stopped, over: make(chan struct{}),
	}
	go e.readAcks(stream, run.cancel) // ends with the stream, which ends when this method returns
	err = s.guard("subscribe", func() error { return subscriber.Subscribe(run.ctx, l, e.emit) })
	e.close()
	if err == nil || run.ctx.Err() != nil {
		return nil
	}
	return stream.Send(&pluginpb.SubscribeResponse{Error: errorToProto(err)})
}

// readSubscription reads where to begin: one message, or more if there are many threads.
func readSubscription(recv func() (*pluginpb.SubscribeRequest, error)) (*sdk.Subscription, error) {
	first, err := recv()
	if err != nil {
		return nil, err
	}
	l := &sdk.Subscription{Channel: first.GetChannel()}
	if len(first.GetCursor()) > 0 {
		l.Cursor = first.GetCursor()
	}
	for next := first; ; {
		for _, t := range next.GetThreads() {
			l.Threads = append(l.Threads, sdk.LiveThread{Thread: t.GetThread(), State: t.GetState()})
		}
		if !next.GetMoreThreads() {
			return l, nil
		}
		if next, err = recv(); err != nil {
			return nil, err
		}
	}
}

// emitter is an adapter's Emit for one Subscribe.
type emitter struct {
	channel string
	send    func(*pluginpb.SubscribeResponse) error
	acks    chan uint64     // numbers of batches that are stored
	broken  chan struct{}   // closed when no more of them come
	stopped <-chan struct{} // closed when the process ends
	over    chan struct{}   // closed when Subscribe has returned

	mu    sync.Mutex // held while a batch is on its way
	batch uint64
	ended bool
}

// readAcks hands on what the gateway says until the stream ends. cancel tells Subscribe to end.
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

// emit implements Emit. A batch that was sent is waited for even if ctx ends, as long as the gateway is there.
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
		return &sdk.Error{Kind: sdk.KindPermanent, Op: opEmit, Text: "a batch is on its way; emit one after the other"}
	}
	defer e.mu.Unlock()
	if e.ended {
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
		return nil, fmt.Errorf("the batch has %d bytes, at most %d; emit fewer envelopes at once", n, maxResultBytes)
	}
	return out, nil
}

// wait returns nil when the batch is stored.
func (e *emitter) wait() error {
	for {
		select {
		case n := <-e.acks:
			if n == e.batch {
				return nil
			}
		case <-e.broken:
			select {
			case n := <-e.acks: // the last word of the gateway
				if n == e.batch {
					return nil
				}
			default:
			}
			return errUnsubscribed
		case <-e.stopped:
			return errUnsubscribed
		case <-e.over:
			return errUnsubscribed
		}
	}
}

// close makes every later emit fail, also of goroutines that the adapter has left behind.
func (e *emitter) close() {
	close(e.over)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
}

// subscriptions are the Subscribes that run, at most one a channel. They are safe for concurrent use.
type subscriptions struct {
	mu      sync.Mutex
	running map[string]*running
	ending  bool
}

type running struct {
	set     *subscriptions
	channel string
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
}

// begin registers a Subscribe, after the channel's former one has returned. It fails once stop was called.
func (s *subscriptions) begin(parent context.Context, channel string) (*running, error) {
	for {
		s.mu.Lock()
		if s.ending {
			s.mu.Unlock()
			return nil, errStopping
		}
		former := s.running[channel]
		if former == nil {
			l := &running{set: s, channel: channel, done: make(chan struct{})}
			l.ctx, l.cancel = context.WithCancel(parent)
			if s.running == nil {
				s.running = map[string]*running{}
			}
			s.running[channel] = l
			s.mu.Unlock()
			return l, nil
		}
		s.mu.Unlock()
		select {
		case <-former.done:
		case <-parent.Done():
			return nil, parent.Err()
		}
	}
}

// end makes room for the channel's next Subscribe.
func (l *running) end() {
	l.set.mu.Lock()
	delete(l.set.running, l.channel)
	l.set.mu.Unlock()
	l.cancel()
	close(l.done)
}

// stop refuses further Subscribes, ends the running ones and waits for them until ctx ends.
func (s *subscriptions) stop(ctx context.Context) {
	s.mu.Lock()
	s.ending = true
	all := make([]*running, 0, len(s.running))
	for _, l := range s.running {
		l.cancel()
		all = append(all, l)
	}
	s.mu.Unlock()
	for _, l := range all {
		select {
		case <-l.done:
		case <-ctx.Done():
			return
		}
	}
}

// count returns how many run.
func (s *subscriptions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)
}
