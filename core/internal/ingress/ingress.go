// Package ingress is the one public listener's handler. It refuses what can be refused without knowing the vendor
// (method, media type, size, overload), hands the raw request to the adapter whose channel claims the path, gives
// the envelopes to the writer, and only then answers. Every refusal has the form that the adapter declared for its
// vendor.
package ingress

import (
	"context"
	"log/slog"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/sdk/protocol/pluginpb"
)

// Receiver is an adapter process; see adapter.Host.Receive.
type Receiver interface {
	Receive(ctx context.Context, call *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error)
}

// Writer stores envelopes; see writer.Writer.
type Writer interface {
	Accept(ctx context.Context, in []*conversation.Inbound) error
	Writable() error
}

// Endpoint is one path of one adapter.
type Endpoint struct {
	Adapter      string
	Receiver     Receiver
	Channels     []string // that claim it
	Prefix       string   // configured; in front of Pattern
	Pattern      string   // net/http.ServeMux form, without method and host
	Methods      []string
	ContentTypes []string
	MaxBody      int64
	Refusal      Refusal

	gate *gate // of the adapter, on all its paths
}

// Refusal is the form of a "no".
type Refusal struct{ ContentType, Body string }

// Observer counts. Its methods are called concurrently and must be quick.
type Observer interface {
	Received(channel string)
	Refused(adapter, reason string)
	Answered(adapter string, status int, took time.Duration)
}

// Options are what a Handler needs.
type Options struct {
	Endpoints []Endpoint
	Writer    Writer
	Observer  Observer
	Logger    *slog.Logger
	// Concurrency bounds the requests of one adapter that are worked on at once; 0 is 512.
	Concurrency int
	// BodyBytes bounds the bodies of one adapter's requests that are in memory; 0 is 64 MiB.
	BodyBytes int64
}

// Limits.
const (
	defaultMaxBody     = 1 << 20
	defaultConcurrency = 512
	defaultBodyBytes   = 64 << 20
	acceptTimeout      = 10 * time.Second
)
