package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
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
		if !again || begun || err == nil || ctx.Err() != nil {
			return err
		}
		replaced := sdk.KindOf(err) == sdk.KindTransient && h.session.Load() != s
		if !replaced && !(lost(err) && s.gone(ctx)) {
			return err
		}
		// The process was ending: the next one has it.
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
			return unknownCall("fetch medium", err)
		case m.GetError() != nil:
			return Refusal(m.GetError())
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
	return s.attach(ctx, first, r)
}

func (s *session) attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.rpc.Attach(ctx)
	if err != nil {
		return unknownCall("attach medium", err)
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
		return unknownCall("attach medium", err)
	}
	if resp.GetError() != nil {
		return Refusal(resp.GetError())
	}
	return nil
}

// Bounds of what an adapter says of an error; the SDK keeps to them.
const (
	maxErrorText = 1 << 10 // bytes of one text
	maxAfter     = time.Hour
)

// Refusal is an adapter's error in the form that it was made in, with bounds: errors are logged, kept and waited for.
func Refusal(e *pluginpb.Error) *sdk.Error {
	return &sdk.Error{
		Kind: sdk.ErrorKind(cmp.Or(brief(e.GetKind()), string(sdk.KindTransient))), Op: brief(e.GetOp()), Text: brief(e.GetText()),
		Status: int(e.GetStatus()), Code: brief(e.GetCode()), After: min(max(e.GetAfter().AsDuration(), 0), maxAfter),
		Scope: sdk.Scope(brief(e.GetScope())), Reason: brief(e.GetReason()), Field: brief(e.GetField()),
	}
}

func brief(s string) string { return text.Abbreviate(s, maxErrorText) }

// unknownCall makes a lasting error of one that says that the adapter's protocol does not have the call.
func unknownCall(op string, err error) error {
	if status.Code(err) != codes.Unimplemented {
		return err
	}
	return &sdk.Error{Kind: sdk.KindUnsupported, Op: op, Text: "the adapter does not know this call: " + brief(status.Convert(err).Message())}
}
