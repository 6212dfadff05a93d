package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Deliver makes the adapter call its vendor. The Host sets the call's id and timeout, which is slightly shorter than
// ctx so that the adapter's result still arrives; the caller must not use the call afterwards. A call that was sent is
// never repeated. After ErrNotReady or TooLargeError, the call had no effect. After BrokeError the outcome is unknown.
// The vendor's response is in the result. It may arrive some seconds after the end of ctx: a canceled call has
// Options.CancelGrace to end, and then its process is replaced.
func (h *Host) Deliver(ctx context.Context, call *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	start := time.Now()
	res, err := sendCall(ctx, h, h.awaitBriefly, func(s *session) (*deliverStream, error) {
		return s.deliver, s.checkServed(call.GetChannel())
	}, call)
	return h.deliverResult(call, start, res, err)
}

// StartDeliver is Deliver without the wait for the result: done gets it, on a goroutine that it must not block. To end
// the call early, the caller ends ctx and then calls cancel, once.
func (h *Host) StartDeliver(ctx context.Context, call *pluginpb.DeliverCall, done func(*pluginpb.DeliverResult, error)) (
	cancel func(),
) {
	wait := func() { done(h.Deliver(ctx, call)) }
	if s := h.session.Load(); s != nil && s.deliver != nil && s.checkServed(call.GetChannel()) == nil {
		start := time.Now()
		p, err := s.deliver.start(ctx, call, func(res *pluginpb.DeliverResult, err error) {
			if errors.Is(err, errNotSent) {
				go wait()
				return
			}
			done(h.deliverResult(call, start, res, err))
		})
		if err == nil {
			return func() { go s.deliver.abandon(call, p) }
		}
	}
	go wait()
	return func() {}
}

// deliverResult returns the result of Deliver and counts it.
func (h *Host) deliverResult(call *pluginpb.DeliverCall, start time.Time, res *pluginpb.DeliverResult, err error) (
	*pluginpb.DeliverResult, error,
) {
	m := h.metrics.deliver
	if call.GetOpen() != nil {
		m = h.metrics.open
	}
	if err == nil {
		err = h.panicError(res.GetError())
	}
	if err != nil {
		m.observe(start, resultOf(err))
		return nil, fmt.Errorf("deliver to %s: %w", call.GetChannel(), err)
	}
	m.observe(start, kindOrOK(res.GetError()))
	return res, nil
}

func (h *Host) awaitBriefly(ctx context.Context) (*session, error) {
	return h.awaitFor(ctx, h.opts.DeliverHold)
}

// sendCall sends a call to the first process that takes it, and returns the result.
func sendCall[C, R any](ctx context.Context, h *Host, await func(context.Context) (*session, error),
	streamOf func(*session) (*callStream[C, R], error), call C) (R, error) {
	var none R
	for {
		if ctx.Err() != nil {
			return none, h.notReady(ctx)
		}
		s, err := await(ctx)
		if err != nil {
			return none, err
		}
		stream, err := streamOf(s)
		if err != nil {
			return none, err
		}
		if stream == nil {
			return none, fmt.Errorf("%w: %s does not implement this call", ErrNotReady, h.opts.Name)
		}
		res, err := stream.do(ctx, call)
		if !errors.Is(err, errNotSent) {
			return res, err
		}
		s.awaitRetired(ctx) // then the next process gets the call
	}
}
