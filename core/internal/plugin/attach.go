package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// Attach hands over a medium for a later delivery. first has the id that the delivery refers to and the size of r.
// Errors are those of Fetch.
func (h *Host) Attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error {
	s, err := h.awaitBriefly(ctx)
	if err == nil {
		err = s.attach(ctx, first, r)
	}
	if err != nil {
		return fmt.Errorf("attach medium: %w", err)
	}
	return nil
}

func (s *session) attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.rpc.Attach(ctx)
	if err != nil {
		return unsupportedError("attach medium", err)
	}
	next := first
	for buf := make([]byte, protocol.MaxChunkBytes); ; {
		n, err := io.ReadFull(r, buf)
		next.Data = buf[:n]
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		// io.EOF of Send means that the adapter has already responded.
		if err := stream.Send(next); err != nil && !errors.Is(err, io.EOF) {
			return err
		} else if end || err != nil {
			break
		}
		next = &pluginpb.AttachRequest{}
	}
	resp, err := stream.CloseAndRecv()
	if err != nil {
		return unsupportedError("attach medium", err)
	}
	if resp.GetError() != nil {
		return ToError(resp.GetError())
	}
	return nil
}
