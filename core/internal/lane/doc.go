// Package lane makes the deliveries' calls: at most one in flight per conversation and channel (the writer sees
// to that), at most Concurrency per channel, not while the channel's circuit breaker is open or the vendor asked for
// a pause, and none but a suspect while it is in doubt which call kills the adapter.
//
// Each job that was submitted has exactly one outcome, also when it is cancelled, unless the engine stops before
// the job was begun: then it is in the log. Attempts are counted when a call was made; waiting for a breaker,
// a pause or a restarting adapter burns none, nor does what fails before the call, as reading media may.
package lane

import (
	"context"
	"io"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/media"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Caller is an adapter process.
type Caller interface {
	// Deliver makes one call; see plugin.Host.Deliver for what the errors mean.
	Deliver(ctx context.Context, call *pluginpb.DeliverCall) (*pluginpb.DeliverResult, error)
	// Attach hands over a medium for a delivery that follows; see plugin.Host.Attach.
	Attach(ctx context.Context, first *pluginpb.AttachRequest, r io.Reader) error
}

// Channel is how one channel is called.
type Channel struct {
	render.Target
	Name          string
	Adapter       string
	Caller        Caller
	Timeout       time.Duration
	GiveUp        time.Duration // after which a delivery becomes a dead letter, as the writer has it; 0 is never
	DeadOnUnknown bool          // an outcome that is not known is given up, not repeated
	Concurrency   int           // calls at once
	Rate          float64       // calls a second; 0 is no limit
	Media         sdk.MediaMode
	MediaLimit    media.Limit // of one medium, for a Media other than sdk.MediaAsIs
}

// Loader reads envelopes from the log.
type Loader func(ctx context.Context, p state.Position) (delivery.Stored, error)

// Finish takes an outcome; it must not wait.
type Finish func(o *delivery.Outcome)

// Observer counts calls. Its methods are called concurrently and must be quick.
type Observer interface {
	// Attempted tells of one call: its result (delivered or the kind of error), how long it took, and how long
	// ago its delivery was queued, which is when its message was accepted.
	Attempted(channel, result string, took, age time.Duration)
	// Breaker tells that a channel's breaker has changed: closed, half-open or open.
	Breaker(channel, state string)
}

// Limits of the engine.
const (
	backoffBase      = 500 * time.Millisecond
	backoffMax       = time.Minute
	unauthorizedBase = 30 * time.Second
	notReadyPause    = 500 * time.Millisecond // before a channel whose adapter is away is looked at again
	breakerFailures  = 5
	breakerOpen      = 10 * time.Second
	maxReplyBytes    = 256 << 10 // of all replies of one call
	maxMediaInFlight = 64 << 20  // of all media in a channel's calls, which are in the adapter's memory
	maxCrashWeight   = 4         // a delivery is given up when so much blame for its adapter's deaths is on it; see blame
)
