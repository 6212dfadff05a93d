package sdk

import (
	"context"
	"net/http"
	"time"

	"patchbay/sdk/envelope"
)

// ReceiveTimeout is the time limit of Receive.
const ReceiveTimeout = 5 * time.Second

// Receiver is implemented by adapters whose vendor sends webhooks.
type Receiver interface {
	// Receive authenticates the caller, and returns the envelopes and the response that the vendor expects once they
	// are stored. It returns an error, which refuses the whole call, only for wrong credentials, size or syntax. An
	// invalid item in a valid batch becomes an envelope of kind unparsed. Receive has no side effects and may run again
	// for one call. If it does not return within three seconds after ctx ends, the gateway replaces the process.
	Receive(ctx context.Context, req *Request) (*Reception, error)
}

// Request is a webhook call as it arrived, with three exceptions: Path is cleaned, Authorization has one space after
// its scheme, and U+FFFD replaces bytes in Host, Query and Header that are not UTF-8.
type Request struct {
	Channels []string // channels with this path, at least one
	Method   string
	Host     string // Host header
	Path     string // escaped path without the channel's prefix and without extra slashes
	FullPath string // escaped path as sent
	Query    string // raw query without "?"
	Header   http.Header
	Body     []byte // raw body, over which signatures are computed
	Remote   string // address of the caller; without a port if a trusted proxy named it
}

// Reception is the result of Receive.
type Reception struct {
	// Envelopes may be empty, as for challenges and test calls.
	Envelopes []*envelope.Envelope
	// Response is sent once all envelopes are stored, and also if they are duplicates.
	Response Response
}

// Response is an HTTP response to the vendor.
type Response struct {
	Status      int // 0 means 200
	ContentType string
	Body        []byte
	Header      map[string]string
}
