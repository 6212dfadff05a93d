// Package subscription runs the subscriptions of channels whose adapter polls its vendor or holds a connection. One
// goroutine per channel calls the adapter's Subscribe from the stored cursor on, and stores each batch together with
// its cursor. It starts again when the adapter fails or its process dies.
//
// Such a vendor does not repeat a message, so the gateway refuses none: if storage is unavailable or the receiver's
// channel cannot keep up, the goroutine and the adapter wait. A message that can never be stored is replaced by a note,
// or dropped with an error in the log output, so that no message blocks its channel.
package subscription

import (
	"context"
	"log/slog"
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/sdk/backoff"
	"patchbay/sdk/protocol/pluginpb"
)

// Host runs an adapter's process; see plugin.Host.
type Host interface {
	Wait(ctx context.Context) error
	Subscribe(ctx context.Context, from *pluginpb.SubscribeRequest, store plugin.Store) error
}

// Writer stores envelopes and cursors; see writer.Writer.
type Writer interface {
	AcceptFrom(ctx context.Context, channel string, cursor []byte, in []*inbound.Envelope) ([]*inbound.Envelope, error)
	View(ctx context.Context, f func(*state.State)) error
}

// Observer records metrics. Its methods are called concurrently and must not block.
type Observer interface {
	// Received counts a stored envelope.
	Received(channel string)
	// Subscribed records whether the channel's subscription runs.
	Subscribed(channel string, up bool)
	// Unsubscribed records that the channel has no subscription any more.
	Unsubscribed(channel string)
}

// Channel is a channel whose adapter subscribes. If a reload changes one of its values, the subscription starts again.
type Channel struct {
	Name    string
	Adapter string
	Host    Host
	// MaxPause is the maximum of a pause that the vendor asks for; 0 is no limit.
	MaxPause time.Duration
}

// Options are the dependencies of a Set. All are required.
type Options struct {
	Channels []Channel // the first ones, see Set.Configure
	Writer   Writer
	Observer Observer
	Logger   *slog.Logger
}

// delay is the time between two subscriptions of a channel, and between two attempts to store a batch.
var delay = backoff.Policy{Base: 200 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.25}

// healthyAfter is the duration after which a subscription without messages counts as a success.
const healthyAfter = time.Minute

// brokenPause is the pause of a subscription that has repeatedly ended its plugin process. It protects the adapter's
// other channels and calls.
const brokenPause = 5 * time.Minute
