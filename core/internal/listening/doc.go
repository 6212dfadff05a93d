// Package listening takes in what adapters fetch by themselves: those that poll their vendor or hold a connection. For each
// channel that listens there is one goroutine. It has the adapter listen from the stored cursor on, stores what comes
// together with the next cursor, and begins again when the adapter fails or its process dies.
//
// The vendor repeats nothing of what it has handed out, so nothing is refused: what can't be stored now is waited for, and
// the adapter with it. What can never be stored is replaced by a note that says so, or left out with an error in the log:
// no message holds up its channel for ever.
package listening

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"patchbay/core/internal/adapter"
	"patchbay/core/internal/conversation"
	"patchbay/sdk/backoff"
	"patchbay/sdk/protocol/pluginpb"
)

// Host is an adapter's process; see adapter.Host.
type Host interface {
	Wait(ctx context.Context) error
	Listen(ctx context.Context, from *pluginpb.ListenRequest, store adapter.Store) error
}

// Writer stores envelopes and cursors; see writer.Writer.
type Writer interface {
	AcceptFrom(ctx context.Context, channel string, cursor []byte, in []*conversation.Inbound) ([]*conversation.Inbound, error)
	View(ctx context.Context, f func(*conversation.State)) error
}

// Observer counts. Its methods are called concurrently and must be quick.
type Observer interface {
	// Received counts an envelope that was taken in.
	Received(channel string)
	// Listening notes whether the adapter listens now.
	Listening(channel string, up bool)
}

// Channel is one that listens.
type Channel struct {
	Name    string
	Adapter string
	Host    Host
}

// Options are what Run needs. All are required.
type Options struct {
	Channels []Channel
	Writer   Writer
	Observer Observer
	Logger   *slog.Logger
}

// delay is the time between attempts, both to listen and to store a batch.
var delay = backoff.Policy{Base: 200 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.25}

// healthyAfter is how long an adapter that emits nothing must have listened for its next attempt to come soon.
const healthyAfter = time.Minute

// Run listens to all channels until ctx ends. It returns when every adapter has stopped, or had a moment to.
func Run(ctx context.Context, o Options) {
	var all sync.WaitGroup
	for _, ch := range o.Channels {
		l := &listener{Channel: ch, options: &o, log: o.Logger.With("channel", ch.Name, "adapter", ch.Adapter)}
		all.Go(func() { l.run(ctx) })
	}
	all.Wait()
}
