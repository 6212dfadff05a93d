package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Receive has the adapter translate a webhook call. The Host sets the call's id and timeout; the caller must not
// touch it afterwards. While no process is ready it waits, up to Options.HoldTimeout each time: what is left of ctx is
// for the translation. If the process dies during the call, the call is repeated once on the next one; a second death
// is a DiedError. A refusal is in the result's Error.
func (h *Host) Receive(ctx context.Context, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		res, err := h.receiveOnce(ctx, call)
		if _, died := errors.AsType[*DiedError](err); died && attempt == 1 && ctx.Err() == nil {
			continue
		}
		if err != nil {
			h.metrics.receive.observe(start, resultOf(err))
			return nil, fmt.Errorf("receive: %w", err)
		}
		h.metrics.receive.observe(start, kindOr(res.GetError()))
		return res, nil
	}
}

func (h *Host) receiveOnce(ctx context.Context, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
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
			return res, h.explain(ctx, err)
		}
		s.gone(ctx) // the next process takes it
	}
}

// hold returns the session that takes calls, waiting up to Options.HoldTimeout.
func (h *Host) hold(ctx context.Context) (*session, error) {
	if s := h.session.Load(); s != nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.opts.HoldTimeout)
	defer cancel()
	return h.await(ctx)
}

// Deliver has the adapter make a call to its vendor. The Host sets the call's id and timeout (a little less than ctx
// leaves, so that the adapter's own answer is not missed); the caller must not touch it afterwards. It never repeats a call that
// was handed over. Errors: ErrNotReady, TooLargeError: it certainly had no effect; DiedError, or ctx's error without
// ErrNotReady: it may have had. What the vendor said is in the result.
func (h *Host) Deliver(ctx context.Context, call *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error) {
	start := time.Now()
	m := h.metrics.deliver
	if call.GetOpen() != nil {
		m = h.metrics.open
	}
	for {
		s, err := h.await(ctx)
		if err == nil && s.deliver == nil {
			err = fmt.Errorf("%w: %s does not deliver", ErrNotReady, h.opts.Name)
		}
		var res *pluginpb.DeliverResult
		if err == nil {
			res, err = s.deliver.do(ctx, call)
			if errors.Is(err, errNotSent) && ctx.Err() == nil {
				s.gone(ctx)
				continue // it never left this process, so the next instance may have it
			}
			err = h.explain(ctx, err)
		}
		if err != nil {
			m.observe(start, resultOf(err))
			return nil, fmt.Errorf("deliver to %s: %w", call.GetChannel(), err)
		}
		m.observe(start, kindOr(res.GetError()))
		return res, nil
	}
}

// explain turns "not sent" into ErrNotReady.
func (h *Host) explain(ctx context.Context, err error) error {
	if errors.Is(err, errNotSent) {
		return h.notReady(ctx)
	}
	return err
}

func resultOf(err error) string {
	if _, ok := errors.AsType[*DiedError](err); ok {
		return resultDied
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok {
		return resultTooLarge
	}
	if errors.Is(err, ErrNotReady) {
		return resultNotReady
	}
	return resultTimeout
}

func kindOr(e *pluginpb.Error) string {
	if e == nil {
		return resultOK
	}
	return e.GetKind()
}
