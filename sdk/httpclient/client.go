package httpclient

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// MaxResponseBytes limits the body of a vendor's response.
const MaxResponseBytes = 8 << 20

// ErrResponseTooLarge is wrapped by the error of a read beyond the client's limit. The text has the limit.
var ErrResponseTooLarge = errors.New("the vendor's response is too large")

var errTooManyRedirects = errors.New("too many redirects")

// New returns a client for calls to a vendor's API. It connects to public addresses and to the networks in allow, which
// is the channel's setting allow. It checks the address when it connects, after name resolution, so that a name cannot
// resolve to another address later. It uses no proxy, does not follow redirects (the 3xx response is returned), and
// limits bodies to MaxResponseBytes. It has no timeout: use the request's context. The client is safe for concurrent
// use. Call CloseIdleConnections when it is no longer needed.
func New(allow []netip.Prefix) *http.Client {
	c := newClient(guard{allow: allow, setting: settingAllow}, MaxResponseBytes)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// WithLimit returns a client that shares the connections of c, which is from New, and limits bodies to maxBytes.
func WithLimit(c *http.Client, maxBytes int64) *http.Client {
	limited := *c
	limited.Transport = &limitedTransport{base: c.Transport.(*limitedTransport).base, maxBytes: maxBytes}
	return &limited
}

const (
	// maxRedirects limits the redirects of one download.
	maxRedirects = 5
	// headerTimeout is the time that a download waits for the header of each response. The sender of a link chooses the
	// server, which may never respond.
	headerTimeout = 10 * time.Second
)

// NewDownloader returns a client that reads files by links without credentials. In contrast to New, it limits bodies to
// maxBytes, and waits at most ten seconds for the header of each response. It follows up to five redirects, each with
// the same check of the address. The parameter allow is the channel's setting allow_links, not its setting allow,
// because customers send links.
func NewDownloader(allow []netip.Prefix, maxBytes int64) *http.Client {
	c := newClient(guard{allow: allow, setting: settingAllowLinks}, maxBytes)
	c.Transport.(*limitedTransport).base.ResponseHeaderTimeout = headerTimeout
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer") // the link may be a secret
		if len(via) > maxRedirects {
			return errTooManyRedirects
		}
		return nil
	}
	return c
}

func newClient(g guard, maxBytes int64) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: g.control}
	return &http.Client{Transport: &limitedTransport{maxBytes: maxBytes, base: &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          1024,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       8 << 10,
		ReadBufferSize:        8 << 10,
	}}}
}

// limitedTransport limits the size of bodies.
type limitedTransport struct {
	base     *http.Transport
	maxBytes int64
}

// RoundTrip implements http.RoundTripper.
func (t *limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body is the connection
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: t.maxBytes, limit: t.maxBytes}
	}
	return resp, nil
}

// CloseIdleConnections is called by http.Client.CloseIdleConnections.
func (t *limitedTransport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// limitedBody returns ErrResponseTooLarge if the body is longer than limit. With io.EOF, a truncated body would look
// complete.
type limitedBody struct {
	io.ReadCloser
	left, limit int64
}

func (b *limitedBody) tooLarge() error {
	return fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, b.limit)
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, b.tooLarge()
	}
	return n, err
}
