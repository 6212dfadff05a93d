// Package delivery makes the calls of deliveries.
//
// A call starts only if the channel has fewer than Concurrency calls in flight, its circuit breaker is not open, its
// rate limit allows it, and the vendor has not asked for a pause. The writer submits only one job per lane at a time.
// While the engine searches for the call that crashes an adapter, only suspected calls run, one at a time.
//
// Each submitted job gets exactly one outcome, even if it is canceled. The only exception is a job that has not started
// when the engine stops: it gets no outcome, stays in the log, and is submitted again after the next start. Only calls
// count as attempts. Waiting and failures before the call, such as reading media, do not.
package delivery

import (
	"context"
	"io"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/hours"
	"patchbay/core/internal/media"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Caller calls one adapter; see plugin.Host.
type Caller interface {
	// StartDeliver starts one call; see plugin.Host.Deliver for its errors.
	StartDeliver(ctx context.Context, call *pluginpb.DeliverCall, done func(*pluginpb.DeliverResult, error)) (cancel func())
	// Attach transfers a medium for a following delivery; see plugin.Host.Attach.
	Attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error
}

// Channel describes how a channel is called.
type Channel struct {
	render.Target
	Name          string
	Adapter       string
	Unavailable   string // cause why deliveries are given up immediately; empty for a channel that works
	Caller        Caller
	Timeout       time.Duration // of one call
	GiveUp        time.Duration // age at which a delivery is given up; 0 is never
	MaxPause      time.Duration // maximum of a pause that the vendor asks for; 0 is no limit
	DeadOnUnknown bool          // a delivery with an unknown outcome is given up, not repeated
	Concurrency   int           // maximum of calls in flight
	Rate          float64       // maximum of calls per second; 0 is no limit
	Hours         *hours.Hours  // in which an open that is no offer may start; nil is always
	Media         sdk.MediaMode
	MediaLimit    media.Limit // of one medium; not used with sdk.MediaAsIs
	Changed       bool        // the adapter has other settings for it than before
}

// Loader reads an envelope from the log.
type Loader func(ctx context.Context, p state.Position) (attempt.Stored, error)

// Finish receives an outcome. It must not block.
type Finish func(o *attempt.Outcome)

// Observer counts calls. Its methods are called concurrently and must not block.
type Observer interface {
	// Attempted records one call: its result (delivered or the kind of the error), its duration and the time since its
	// delivery was queued.
	Attempted(channel, result string, took, age time.Duration)
	// Breaker records the new state of a channel's breaker: closed, half-open or open.
	Breaker(channel, state string)
}
