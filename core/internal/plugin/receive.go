package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Receive makes the adapter translate a webhook call. The Host sets the call's id and timeout; the caller must not use
// the call afterwards. While no process is ready, Receive waits up to Options.HoldTimeout. A refusal is in the result's
// Error. If the adapter breaks on the call, the call is repeated until ctx ends. If the adapter has broken on this
// webhook too often, Receive returns a GivenUpError.
//
// Receive returns the results of calls that were held or repeated in their order of arrival, and later calls after
// them. The caller stores the result and then calls done, which lets the next one return.
func (h *Host) Receive(ctx context.Context, call *pluginpb.ReceiveCall,
) (res *pluginpb.ReceiveResult, done func(), err error) {
	start := time.Now()
	c := h.receives.enter()
	res, err = h.receive(ctx, c, call)
	if err == nil && !c.awaitTurn(ctx) {
		err = h.notReady(ctx)
	}
	if err != nil {
		c.leave()
		h.metrics.receive.observe(start, resultOf(err))
		return nil, func() {}, fmt.Errorf("receive: %w", err)
	}
	h.metrics.receive.observe(start, kindOrOK(res.GetError()))
	return res, c.leave, nil
}

func (h *Host) receive(ctx context.Context, c *callTurn, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	channels, id := call.GetChannels(), webhookIdentity(call)
	for {
		if err := h.broken.givenUpError(id); err != nil {
			return nil, err
		}
		res, err := h.runReceive(ctx, c, call, channels)
		if err == nil {
			err = h.panicError(res.GetError())
		}
		broke, ok := errors.AsType[*BrokeError](err)
		switch {
		case err == nil:
			h.broken.forgive(id)
			return res, nil
		case !ok:
			return nil, err
		}
		if given := h.broken.blame(id, broke); given != nil {
			return nil, given
		}
		if ctx.Err() != nil {
			return nil, err
		}
		c.repeat(broke.MakesSuspect())
	}
}

// runReceive runs a call once, for those of the channels that the process serves. It waits until suspects permit that
// and a process is ready. The limit of Options.HoldTimeout leaves the rest of ctx for the translation.
func (h *Host) runReceive(ctx context.Context, c *callTurn, call *pluginpb.ReceiveCall, channels []string,
) (*pluginpb.ReceiveResult, error) {
	if !c.start() {
		limit, cancel := context.WithTimeout(ctx, h.opts.HoldTimeout)
		defer cancel()
		if !c.awaitStart(limit) {
			return nil, h.notReady(limit)
		}
	}
	defer c.stop()
	tried := false
	await := func(ctx context.Context) (*session, error) {
		if s := h.session.Load(); s != nil && !tried {
			tried = true // await is called again only if the process did not take the call
			return s, nil
		}
		c.delay()
		return h.awaitFor(ctx, h.opts.HoldTimeout)
	}
	return sendCall(ctx, h, await, func(s *session) (*receiveStream, error) {
		var err error
		call.Channels, err = s.servedChannels(channels)
		return s.receive, err
	}, call)
}
