package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// subscribeGrace is how long an adapter's Subscribe may take to return after it was stopped.
const subscribeGrace = 3 * time.Second

// Store takes in a batch of encoded envelopes together with the cursor that goes with them; an empty cursor leaves the one
// that is stored.
type Store func(ctx context.Context, envelopes [][]byte, cursor []byte) error

// Subscribe has the adapter take in messages of a channel: from says which, and where to begin. It waits for a process that
// takes calls and ends with it. Batches are stored one after the other; when store returns nil the adapter is told that it is
// done, and an error of it ends the subscription.
//
// It returns nil when ctx has ended, after the adapter had a moment to return, and when the adapter stopped by itself; then
// and after an error it may be called again. What the adapter emits in that moment is stored, too: store's context outlives
// ctx.  Errors: ErrNotReady; *sdk.Error is the adapter's own; store's; anything else means
// that the process or its connection went away.
func (h *Host) Subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store Store) error {
	s, err := h.await(ctx)
	if err == nil && !s.able("subscribe") {
		err = &sdk.Error{Kind: sdk.KindUnsupported, Op: "subscribe", Text: "the adapter does not subscribe"}
	}
	if err == nil {
		err = s.subscribe(ctx, from, store)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("subscribe on %s: %w", from.GetChannel(), err)
	}
	return nil
}

func (s *session) subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store Store) error {
	open, cancel := context.WithCancel(s.ctx) // outlives ctx: what a vendor has handed out is still to be stored
	defer cancel()
	stream, err := s.rpc.Subscribe(open)
	if err != nil {
		return s.ended(err)
	}
	out := &subscribeSender{stream: stream}
	early := context.AfterFunc(ctx, cancel) // before it knows where to begin it can't be told to stop
	err = out.begin(from)
	switch {
	case !early():
		return nil
	case err != nil:
		return s.ended(err)
	}
	defer context.AfterFunc(ctx, func() {
		limit := time.AfterFunc(subscribeGrace, cancel)
		defer limit.Stop()
		_ = out.send(&pluginpb.SubscribeRequest{Stop: true}) // or the stream has broken, and Recv says so
		<-open.Done()
	})()
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return s.ended(err)
		case m.GetError() != nil:
			return Refusal(m.GetError())
		case len(m.GetCursor()) > sdk.MaxCursorBytes:
			return fmt.Errorf("the adapter's cursor has %d bytes, at most %d", len(m.GetCursor()), sdk.MaxCursorBytes)
		}
		if err := store(open, m.GetEnvelopes(), m.GetCursor()); err != nil {
			return err
		}
		if err := out.send(&pluginpb.SubscribeRequest{Stored: m.GetBatch()}); err != nil {
			return s.ended(err)
		}
	}
}

// ended returns why a stream of the session broke. If the process has gone away it waits until nobody gets the session any
// more, so that the caller's next call is not one to the dead.
func (s *session) ended(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), killWait)
	defer cancel()
	if lost(err) && s.gone(ctx) {
		return context.Cause(s.ctx)
	}
	return err
}

// subscribeSender is the gateway's half of a stream. Its methods are safe for concurrent use, as those of a stream are not.
type subscribeSender struct {
	mu     sync.Mutex
	stream pluginpb.PluginService_SubscribeClient
}

// begin says where to begin, in as many messages as the threads need.
func (l *subscribeSender) begin(from *pluginpb.SubscribeRequest) error {
	next := &pluginpb.SubscribeRequest{Channel: from.GetChannel(), Cursor: from.GetCursor()}
	size := len(from.GetCursor())
	for _, t := range from.GetThreads() {
		n := proto.Size(t) + fieldOverhead
		if len(next.GetThreads()) > 0 && size+n > protocol.MaxFrameBytes {
			next.MoreThreads = true
			if err := l.send(next); err != nil {
				return err
			}
			next, size = &pluginpb.SubscribeRequest{}, 0
		}
		next.Threads = append(next.Threads, t)
		size += n
	}
	return l.send(next)
}

// send sends a message. An EOF means that the adapter has ended the stream, and what it said is still to be read.
func (l *subscribeSender) send(m *pluginpb.SubscribeRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
