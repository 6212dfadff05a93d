package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Receive makes the adapter translate a webhook call. The Host sets the call's id and timeout; the caller must not use
// the call afterwards. While no process is ready, Receive waits up to Options.HoldTimeout. If the adapter
// breaks on the call, the call is repeated once; the second time is a BrokeError. A refusal is in the result's Error.
func (h *Host) Receive(ctx context.Context, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	start, channels := time.Now(), call.GetChannels()
	for attempt := 1; ; attempt++ {
		res, err := sendCall(ctx, h, h.hold, func(s *session) (*receiveStream, error) {
			var err error
			call.Channels, err = s.served(channels)
			return s.receive, err
		}, call)
		if err == nil {
			err = h.panicked(res.GetError())
		}
		if _, broke := errors.AsType[*BrokeError](err); broke && attempt == 1 && ctx.Err() == nil {
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

// hold is await with a limit of Options.HoldTimeout, which leaves the rest of ctx for the translation.
func (h *Host) hold(ctx context.Context) (*session, error) {
	return h.awaitFor(ctx, h.opts.HoldTimeout)
}
