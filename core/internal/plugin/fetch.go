package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Fetch reads a medium. It calls head once, with the properties of the medium and without data, and then chunk with
// each piece in order; an error of either ends the call and is returned. An *sdk.Error comes from the adapter, or
// refuses the call, for example because the medium is given up. Any other error, such as ErrNotReady, means that the
// process or its connection is gone, and that the medium may be fetched again.
func (h *Host) Fetch(
	ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error,
) error {
	start := time.Now()
	err := h.fetch(ctx, req, head, chunk)
	switch e, typed := errors.AsType[*sdk.Error](err); {
	case err == nil:
		h.metrics.fetch.observe(start, resultOK)
	case typed:
		h.metrics.fetch.observe(start, string(e.Kind))
	default:
		h.metrics.fetch.observe(start, resultOf(err))
	}
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", req.GetChannel(), err)
	}
	return nil
}

// fetch reads a medium, and repeats this if the adapter breaks before the first response. A medium on which the adapter
// broke repeatedly is refused like one that the adapter cannot read.
func (h *Host) fetch(
	ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error,
) error {
	c, id := h.fetches.enter(), mediumIdentity(req)
	defer c.leave()
	if h.broken.isSuspect(id) {
		c.repeat(true)
	}
	for {
		if err := h.broken.givenUpError(id); err != nil {
			return mediumGivenUpError(err)
		}
		started := false
		s, err := h.fetchOnce(ctx, c, req, func(m *pluginpb.FetchResponse) error { started = true; return head(m) }, chunk)
		broke, hung := errors.AsType[*BrokeError](err)
		switch e, typed := errors.AsType[*sdk.Error](err); {
		case err == nil:
			h.broken.forgive(id)
			return nil
		case hung: // broke is set
		case ctx.Err() != nil || s == nil:
			return err
		case typed && e.Kind == sdk.KindPanicked:
			broke = &BrokeError{Name: h.opts.Name, Fault: FaultPanicked, Weight: WeightCertain, Text: e.Text}
		case typed && e.Kind == sdk.KindTransient && h.session.Load() != s && !started: // refused during the stop
			continue
		case typed || !isConnectionLost(err) || !s.awaitRetired(ctx):
			return err
		default:
			broke = s.fetchBroke
		}
		if given := h.broken.blame(id, broke); given != nil {
			return mediumGivenUpError(given)
		}
		if started || ctx.Err() != nil {
			return err
		}
		c.repeat(broke.MakesSuspect())
	}
}

// fetchOnce reads a medium from one process, when suspects permit that. It returns the process, or nil if none got the
// call.
func (h *Host) fetchOnce(ctx context.Context, c *callTurn, req *pluginpb.FetchRequest,
	head func(*pluginpb.FetchResponse) error, chunk func([]byte) error,
) (*session, error) {
	if !c.start() && !c.awaitStart(ctx) {
		return nil, h.notReady(ctx)
	}
	defer c.stop()
	s, err := h.await(ctx)
	switch {
	case err != nil:
		return nil, err
	case !s.hasAbility("fetch"):
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: "fetch medium", Text: "the adapter does not read media"}
	}
	if err := s.checkServed(req.GetChannel()); err != nil {
		return nil, err
	}
	s.fetches.Add(1)
	err = s.fetch(ctx, req, head, chunk)
	if err == nil || ctx.Err() != nil || !isConnectionLost(err) {
		s.fetches.Add(-1) // otherwise the call was running when the process ended
	}
	return s, err
}

// mediumGivenUpError returns the error for a medium that is given up. Because it is permanent, a text replaces the
// medium.
func mediumGivenUpError(err error) error {
	return &sdk.Error{Kind: sdk.KindPermanent, Op: "fetch medium", Text: err.Error(), Err: err}
}

func (s *session) fetch(
	ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error,
) error {
	call := s.beginFetch(ctx, req)
	defer call.end()
	err := s.receiveMedium(call.ctx, req, head, chunk)
	if call.hung.Load() {
		return &BrokeError{Name: s.host.opts.Name, Fault: FaultHung, Weight: WeightCertain, Text: "fetch hung"}
	}
	return err
}

func (s *session) receiveMedium(
	ctx context.Context, req *pluginpb.FetchRequest, head func(*pluginpb.FetchResponse) error, chunk func([]byte) error,
) error {
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
			return unsupportedError("fetch medium", err)
		case m.GetError() != nil:
			return ToError(m.GetError())
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
