package webhook

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// MaxAnswerBytes is the most that a vendor's answer may have.
const MaxAnswerBytes = 8 << 20

// ErrAnswerTooLarge is returned by reads of an answer beyond the client's limit.
var ErrAnswerTooLarge = errors.New("the vendor's answer is too large")

var errRedirects = errors.New("redirected too often")

// NewClient returns a client for calls to a vendor. It connects only to public addresses and to those
// that allow names; the address is checked after name resolution, at the moment of connecting, so a name
// that changes its mind gains nothing. It uses no proxy, follows no redirects (the 3xx is the answer),
// and caps answers at MaxAnswerBytes. It has no deadline of its own: the request's context sets it.
// The client is safe for concurrent use; close its idle connections when it is no longer needed.
func NewClient(allow []netip.Prefix) *http.Client {
	return newClient(guard{allow: allow, setting: settingCalls}, MaxAnswerBytes, http.ErrUseLastResponse)
}

// maxRedirects is how often a download may be sent elsewhere.
const maxRedirects = 5

// firstByte is how long a download waits for the head of each answer: whoever sends links chooses who is waited for.
const firstByte = 10 * time.Second

// NewDownloader returns a client for reading files by links that need no credentials: like NewClient's, but an answer
// may have limit bytes and must begin within ten seconds, and a few redirects are followed, to addresses that may be called.
// Who sends links is not who runs the vendor: allow is not what calls of the vendor may reach, see the setting allow_links.
func NewDownloader(allow []netip.Prefix, limit int64) *http.Client {
	c := newClient(guard{allow: allow, setting: settingLinks}, limit, nil)
	c.Transport.(*cappedTransport).base.ResponseHeaderTimeout = firstByte
	return c
}

// newClient returns a client that does on a redirect what onRedirect says; nil follows some.
func newClient(g guard, limit int64, onRedirect error) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: g.control}
	return &http.Client{
		Transport: &cappedTransport{limit: limit, base: &http.Transport{
			DialContext:           dialer.DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          1024,
			MaxIdleConnsPerHost:   256,
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			WriteBufferSize:       8 << 10,
			ReadBufferSize:        8 << 10,
		}},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			req.Header.Del("Referer") // the link that was followed may be a secret
			if onRedirect == nil && len(via) > maxRedirects {
				return errRedirects
			}
			return onRedirect
		},
	}
}

// guard decides which addresses may be connected to.
type guard struct {
	allow   []netip.Prefix
	setting string // that allow comes from
}

// control is called by the dialer with the resolved address, before it connects.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s %s", ErrForbiddenTarget, network, address)
	}
	return checkTarget(ap.Addr(), g.allow, g.setting)
}

// cappedTransport limits the size of answers.
type cappedTransport struct {
	base  *http.Transport
	limit int64
}

// RoundTrip implements http.RoundTripper.
func (t *cappedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body is the connection
		resp.Body = &cappedBody{ReadCloser: resp.Body, left: t.limit}
	}
	return resp, nil
}

// CloseIdleConnections is found by http.Client.CloseIdleConnections.
func (t *cappedTransport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// cappedBody fails with ErrAnswerTooLarge instead of ending early, so that a cut answer is never taken
// for a whole one.
type cappedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrAnswerTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, ErrAnswerTooLarge
	}
	return n, err
}
