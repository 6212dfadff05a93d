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

// stopGrace is the time that an adapter's Subscribe has to return after the request to stop.
const stopGrace = 3 * time.Second

// Store stores a batch of encoded envelopes together with its cursor. An empty cursor keeps the stored one.
type Store func(ctx context.Context, envelopes [][]byte, cursor []byte) error

// Subscribe runs a subscription of a channel. from names the channel, the cursor and the live threads. It waits for a
// process that accepts calls, and ends with that process. Batches are stored one after the other: each is acknowledged
// to the adapter when store returns nil, and an error of store ends the subscription.
//
// Subscribe returns nil when ctx has ended and the adapter had time to stop, or when the adapter stopped by itself.
// store is also called with batches that the adapter emits while it stops; its context outlives ctx. An *sdk.Error
// comes from the adapter. A GivenUpError means that the process died repeatedly after the start of this subscription.
// ErrNotReady, and any other error that is not store's, means that the process or its connection is gone.
func (h *Host) Subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store Store) error {
	err := h.subscribe(ctx, from, store)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("subscribe on %s: %w", from.GetChannel(), err)
	}
	return nil
}

func (h *Host) subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store Store) error {
	p := &probation{host: h, turn: h.subscriptions.enter(), id: subscriptionIdentity(from.GetChannel())}
	defer p.turn.leave()
	if !p.begin(ctx) {
		return h.notReady(ctx)
	}
	defer p.end()
	s, err := h.await(ctx)
	if err != nil {
		return err
	}
	if err := s.checkServed(from.GetChannel()); err != nil {
		return err
	}
	if !s.hasAbility("subscribe") {
		return &sdk.Error{Kind: sdk.KindUnsupported, Op: "subscribe", Text: "the adapter does not subscribe"}
	}
	p.watch(s)
	err = s.subscribe(ctx, from, store)
	if err != nil && ctx.Err() == nil {
		return p.blame(ctx, err)
	}
	return err
}

func (s *session) subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store Store) error {
	streamCtx, cancel := context.WithCancel(s.ctx) // outlives ctx, for batches that are emitted while the adapter stops
	defer cancel()
	stream, err := s.rpc.Subscribe(streamCtx)
	if err != nil {
		return s.streamError(err)
	}
	out := &subscribeSender{stream: stream}
	cancelAtEnd := context.AfterFunc(ctx, cancel) // the adapter accepts a stop only after the start
	err = out.start(from)
	switch {
	case !cancelAtEnd():
		return nil
	case err != nil:
		return s.streamError(err)
	}
	defer context.AfterFunc(ctx, func() {
		limit := time.AfterFunc(stopGrace, cancel)
		defer limit.Stop()
		_ = out.send(&pluginpb.SubscribeRequest{Stop: true}) // if the stream is broken, Recv returns the error
		<-streamCtx.Done()
	})()
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return s.streamError(err)
		case m.GetError() != nil:
			return ToError(m.GetError())
		case len(m.GetCursor()) > sdk.MaxCursorBytes:
			return fmt.Errorf("the adapter's cursor has %d bytes, at most %d", len(m.GetCursor()), sdk.MaxCursorBytes)
		}
		if err := store(streamCtx, m.GetEnvelopes(), m.GetCursor()); err != nil {
			return err
		}
		if err := out.send(&pluginpb.SubscribeRequest{Stored: m.GetBatch()}); err != nil {
			return s.streamError(err)
		}
	}
}

// streamError returns the reason why a stream broke. If the process is gone, it first waits until the session is
// retired, so that the caller's next call does not get the same session.
func (s *session) streamError(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), killWait)
	defer cancel()
	if isConnectionLost(err) && s.awaitRetired(ctx) {
		return context.Cause(s.ctx)
	}
	return err
}

// subscribeSender sends the gateway's messages. In contrast to the stream's Send, its methods are safe for concurrent
// use.
type subscribeSender struct {
	mu     sync.Mutex
	stream pluginpb.PluginService_SubscribeClient
}

// start sends the start position, in as many messages as the threads need.
func (s *subscribeSender) start(from *pluginpb.SubscribeRequest) error {
	next := &pluginpb.SubscribeRequest{Channel: from.GetChannel(), Cursor: from.GetCursor()}
	size := len(from.GetCursor())
	for _, t := range from.GetThreads() {
		n := proto.Size(t) + fieldOverhead
		if len(next.GetThreads()) > 0 && size+n > protocol.MaxFrameBytes {
			next.MoreThreads = true
			if err := s.send(next); err != nil {
				return err
			}
			next, size = &pluginpb.SubscribeRequest{}, 0
		}
		next.Threads = append(next.Threads, t)
		size += n
	}
	return s.send(next)
}

// send sends a message. It ignores io.EOF, which means that the adapter has ended the stream: Recv returns its last
// message.
func (s *subscribeSender) send(m *pluginpb.SubscribeRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
