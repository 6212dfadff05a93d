// Package ingress handles the requests of the public listener.
//
// It refuses requests by path, method, media type, size and load without a call to an adapter. It passes other requests
// to the adapter whose channel has the path, stores the returned envelopes through the writer, and only then responds.
// Every refusal has the form that the adapter declared for its vendor.
package ingress

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/sdk/protocol/pluginpb"
)

// Receiver translates requests; see plugin.Host.Receive.
type Receiver interface {
	Receive(ctx context.Context, call *pluginpb.ReceiveCall) (res *pluginpb.ReceiveResult, done func(), err error)
}

// Writer stores envelopes; see writer.Writer.
type Writer interface {
	Accept(ctx context.Context, in []*inbound.Envelope) error
	Keep(ctx context.Context, in *inbound.Envelope, kind, cause string) error
	Writable() error
}

// Observer counts requests. Its methods are called concurrently and must not block.
type Observer interface {
	Received(channel string)
	Refused(adapter, reason string)
	Responded(adapter string, status int, took time.Duration)
}

// Endpoint is a path on which an adapter receives requests.
type Endpoint struct {
	Adapter      string
	Receiver     Receiver
	Channels     []string // the channels that use the path
	Prefix       string   // configured path of the channel; precedes Pattern
	Pattern      string   // http.ServeMux pattern without method and host
	Methods      []string // empty allows any
	ContentTypes []string // empty allows any
	MaxBody      int64    // bytes; 0 is 1 MiB
	Refusal      RefusalTemplate

	admission *admission // shared by all endpoints of the adapter
}

// RefusalTemplate is the form of a refusal's body. In Body, {{status}} and {{text}} stand for the HTTP status and its
// explanation. The zero value is a JSON object.
type RefusalTemplate struct{ ContentType, Body string }

// Options configure a Handler.
type Options struct {
	// Endpoints and Incomplete are those of the first table, see Handler.Table.
	Endpoints  []Endpoint
	Incomplete bool
	Writer     Writer
	Observer   Observer
	Logger     *slog.Logger
	// Concurrency bounds the concurrent requests of one adapter; 0 is 512.
	Concurrency int
	// BodyBytes bounds the memory for request bodies of one adapter; 0 is 64 MiB.
	BodyBytes int64
	// TrustedProxies are the networks of proxies whose X-Forwarded-For header is trusted.
	TrustedProxies []netip.Prefix
}

const (
	defaultMaxBody     = 1 << 20
	defaultConcurrency = 512
	defaultBodyBytes   = 64 << 20
	acceptTimeout      = 10 * time.Second
)
