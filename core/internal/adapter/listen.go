package adapter

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

// listenGrace is how long an adapter's Listen may take to return when it is to end.
const listenGrace = 3 * time.Second

// Store takes in a batch of encoded envelopes together with the cursor that goes with them; an empty cursor leaves the one
// that is stored.
type Store func(ctx context.Context, envelopes [][]byte, cursor []byte) error

// Listen has the adapter take in messages of a channel: from says which, and where to begin. It waits for a process that
// takes calls and ends with it. Batches are stored one after the other; when store returns nil the adapter is told that it is
// done, and an error of it ends the listening.
//
// It returns nil when ctx has ended, after the adapter had a moment to return, and when the adapter stopped by itself; then
// and after an error it may be called again. What the adapter emits in that moment is stored, too: store's context outlives
// ctx.  Errors: ErrNotReady; *sdk.Error is the adapter's own; store's; anything else means
// that the process or its connection went away.
func (h *Host) Listen(ctx context.Context, from *pluginpb.ListenRequest, store Store) error {
	s, err := h.await(ctx)
	if err == nil && !s.able("listen") {
		err = &sdk.Error{Kind: sdk.KindUnsupported, Op: "listen", Text: "the adapter does not listen"}
	}
	if err == nil {
		err = s.listen(ctx, from, store)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("listen on %s: %w", from.GetChannel(), err)
	}
	return nil
}

func (s *session) listen(ctx context.Context, from *pluginpb.ListenRequest, store Store) error {
	open, cancel := context.WithCancel(s.ctx) // outlives ctx: what a vendor has handed out is still to be stored
	defer cancel()
	stream, err := s.rpc.Listen(open)
	if err != nil {
		return s.ended(err)
	}
	out := &listenSender{stream: stream}
	early := context.AfterFunc(ctx, cancel) // before it knows where to begin it can't be told to stop
	err = out.begin(from)
	switch {
	case !early():
		return nil
	case err != nil:
		return s.ended(err)
	}
	defer context.AfterFunc(ctx, func() {
		limit := time.AfterFunc(listenGrace, cancel)
		defer limit.Stop()
		_ = out.send(&pluginpb.ListenRequest{Stop: true}) // or the stream has broken, and Recv says so
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
		if err := out.send(&pluginpb.ListenRequest{Stored: m.GetBatch()}); err != nil {
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

// listenSender is the gateway's half of a stream. Its methods are safe for concurrent use, as those of a stream are not.
type listenSender struct {
	mu     sync.Mutex
	stream pluginpb.PluginService_ListenClient
}

// begin says where to begin, in as many messages as the threads need.
func (l *listenSender) begin(from *pluginpb.ListenRequest) error {
	next := &pluginpb.ListenRequest{Channel: from.GetChannel(), Cursor: from.GetCursor()}
	size := len(from.GetCursor())
	for _, t := range from.GetThreads() {
		n := proto.Size(t) + fieldOverhead
		if len(next.GetThreads()) > 0 && size+n > protocol.MaxFrameBytes {
			next.MoreThreads = true
			if err := l.send(next); err != nil {
				return err
			}
			next, size = &pluginpb.ListenRequest{}, 0
		}
		next.Threads = append(next.Threads, t)
		size += n
	}
	return l.send(next)
}

// send sends a message. An EOF means that the adapter has ended the stream, and what it said is still to be read.
func (l *listenSender) send(m *pluginpb.ListenRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
