package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Receive has the adapter translate a webhook call. The Host sets the call's id and timeout; the caller must not use
// the call afterwards. While no process is ready, Receive waits up to Options.HoldTimeout. If the process ends during
// the call, the call is repeated once on the next one; a second end is a DiedError. A refusal is in the result's Error.
func (h *Host) Receive(ctx context.Context, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		res, err := h.receive(ctx, call)
		if _, died := errors.AsType[*DiedError](err); died && attempt == 1 && ctx.Err() == nil {
			continue
		}
		if err != nil {
			h.metrics.receive.observe(start, resultOf(err))
			return nil, fmt.Errorf("receive: %w", err)
		}
		h.metrics.receive.observe(start, kindOrOK(res.GetError()))
		return res, nil
	}
}

// receive makes one attempt, on the first process that takes the call.
func (h *Host) receive(ctx context.Context, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	for {
		s, err := h.hold(ctx)
		if err != nil {
			return nil, err
		}
		if s.receive == nil {
			return nil, fmt.Errorf("%w: %s does not receive", ErrNotReady, h.opts.Name)
		}
		res, err := s.receive.do(ctx, call)
		if !errors.Is(err, errNotSent) || ctx.Err() != nil {
			return res, h.orNotReady(ctx, err)
		}
		s.awaitRetired(ctx) // then the next process gets the call
	}
}

// hold is await with a limit of Options.HoldTimeout, which leaves the rest of ctx for the translation.
func (h *Host) hold(ctx context.Context) (*session, error) {
	if s := h.session.Load(); s != nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.opts.HoldTimeout)
	defer cancel()
	return h.await(ctx)
}
