package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Deliver has the adapter call its vendor. The Host sets the call's id and timeout, which is slightly shorter than ctx
// so that the adapter's answer still arrives; the caller must not use the call afterwards. A call that was sent is
// never repeated. After ErrNotReady or TooLargeError, the call had no effect. After DiedError, or ctx's error without
// ErrNotReady, the outcome is unknown. The vendor's answer is in the result.
func (h *Host) Deliver(ctx context.Context, call *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	start := time.Now()
	m := h.metrics.deliver
	if call.GetOpen() != nil {
		m = h.metrics.open
	}
	res, err := h.deliver(ctx, call)
	if err != nil {
		m.observe(start, resultOf(err))
		return nil, fmt.Errorf("deliver to %s: %w", call.GetChannel(), err)
	}
	m.observe(start, kindOrOK(res.GetError()))
	return res, nil
}

func (h *Host) deliver(ctx context.Context, call *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	for {
		s, err := h.await(ctx)
		if err != nil {
			return nil, err
		}
		if s.deliver == nil {
			return nil, fmt.Errorf("%w: %s does not deliver", ErrNotReady, h.opts.Name)
		}
		res, err := s.deliver.do(ctx, call)
		if !errors.Is(err, errNotSent) || ctx.Err() != nil {
			return res, h.orNotReady(ctx, err)
		}
		s.awaitRetired(ctx) // then the next process gets the call
	}
}

// orNotReady replaces errNotSent by ErrNotReady with the adapter's state.
func (h *Host) orNotReady(ctx context.Context, err error) error {
	if errors.Is(err, errNotSent) {
		return h.notReady(ctx)
	}
	return err
}
