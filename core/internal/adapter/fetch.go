package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// Fetch reads a medium. head is called once, with what is known of the medium and no data; then chunk is called for each
// piece, in order; an error of either ends the call and is returned. Errors: ErrNotReady; *sdk.Error is the adapter's own;
// anything else means that the process or its connection went away, and the medium may be asked for again.
func (h *Host) Fetch(ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error) error {
	start := time.Now()
	err := h.fetch(ctx, req, head, chunk)
	switch e, refused := errors.AsType[*sdk.Error](err); {
	case err == nil:
		h.metrics.fetch.observe(start, resultOK)
	case refused:
		h.metrics.fetch.observe(start, string(e.Kind))
	default:
		h.metrics.fetch.observe(start, resultOf(err))
	}
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", req.GetChannel(), err)
	}
	return nil
}

func (h *Host) fetch(ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error) error {
	for again := true; ; again = false {
		s, err := h.await(ctx)
		if err != nil {
			return err
		}
		if !s.able("fetch") {
			return &sdk.Error{Kind: sdk.KindUnsupported, Op: "fetch medium", Text: "the adapter does not read media"}
		}
		begun := false
		err = s.fetch(ctx, req, func(m *pluginpb.FetchResponse) error { begun = true; return head(m) }, chunk)
		if again && !begun && lost(err) && ctx.Err() == nil && s.gone(ctx) {
			continue // the process was ending: the next one has it
		}
		return err
	}
}

func (s *session) fetch(ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the stream in any case
	defer cancel()
	stream, err := s.rpc.Fetch(ctx, req, grpc.WaitForReady(false))
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && !first:
			return nil
		case err != nil:
			return err
		case m.GetError() != nil:
			return refusal(m.GetError())
		}
		data := m.GetData()
		if first {
			m.Data = nil
			if err := head(m); err != nil {
				return err
			}
		}
		if len(data) == 0 {
			continue
		}
		if err := chunk(data); err != nil {
			return err
		}
	}
}

// Attach hands over a medium for a delivery that follows soon, under a name that the delivery refers to. r has exactly
// size bytes. Errors are those of Fetch.
func (h *Host) Attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error {
	if err := h.attach(ctx, first, r); err != nil {
		return fmt.Errorf("attach a medium: %w", err)
	}
	return nil
}

func (h *Host) attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error {
	s, err := h.await(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.rpc.Attach(ctx)
	if err != nil {
		return err
	}
	next := first
	for buf := make([]byte, protocol.MaxChunkBytes); ; {
		n, err := io.ReadFull(r, buf)
		next.Data = buf[:n]
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		// An EOF of Send says that the adapter has answered already.
		if err := stream.Send(next); err != nil && !errors.Is(err, io.EOF) {
			return err
		} else if end || err != nil {
			break
		}
		next = &pluginpb.AttachRequest{}
	}
	resp, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	if resp.GetError() != nil {
		return refusal(resp.GetError())
	}
	return nil
}

// refusal is an adapter's error in the form that it was made in.
func refusal(e *pluginpb.Error) *sdk.Error {
	return &sdk.Error{
		Kind: sdk.ErrorKind(e.GetKind()), Op: e.GetOp(), Text: e.GetText(), Status: int(e.GetStatus()), Code: e.GetCode(),
		After: e.GetAfter().AsDuration(), Scope: sdk.Scope(e.GetScope()), Reason: e.GetReason(), Field: e.GetField(),
	}
}
