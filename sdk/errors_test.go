package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk/httpclient"
)

func TestErrorHasAllFieldsOnOneLine(t *testing.T) {
	cause := errors.New("reset by peer")
	e := &Error{
		Kind: KindDeclined, Op: "open chat", Text: "all agents are busy", Status: 409, Code: "E7", Reason: "busy",
		Field: "team", Err: cause,
	}
	want := "open chat: declined (busy): team: all agents are busy [HTTP 409] [code E7]: reset by peer"
	if e.Error() != want || !errors.Is(e, cause) {
		t.Errorf("Error = %s, want %s", e, want)
	}
	if got := (&Error{Kind: KindGone}).Error(); got != "gone" {
		t.Errorf("Error with a kind only = %q", got)
	}
}

func TestKindOf(t *testing.T) {
	for want, err := range map[ErrorKind]error{
		"":               nil,
		KindGone:         fmt.Errorf("outer: %w", &Error{Kind: KindGone}),
		KindTransient:    errors.New("untyped"),
		KindInvalid:      Invalid("name", "has %d bytes", 9),
		KindUnauthorized: Unauthorized("token %s", "missing"),
	} {
		if got := KindOf(err); got != want {
			t.Errorf("KindOf(%v) = %s, want %s", err, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-5":                            0,
		" 30 ":                          30 * time.Second,
		"99999999":                      time.Hour,
		"Sun, 01 Mar 2026 12:00:10 GMT": 10 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"Mon, 02 Mar 2026 12:00:00 GMT": time.Hour,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestFromTransport(t *testing.T) {
	get := func(client *http.Client, address string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	for name, tc := range map[string]struct {
		err  error
		want ErrorKind
		text string
	}{
		"connection refused": {get(&http.Client{}, closed.URL), KindTransient, "refused"},
		"name not found":     {&net.DNSError{Err: "no such host", Name: "api.example.com"}, KindTransient, "no such host"},
		"timeout":            {get(&http.Client{}, slow.URL), KindUnknown, "deadline"},
		"forbidden address":  {get(httpclient.New(nil), slow.URL), KindPermanent, "allow: [127.0.0.1/32]"},
	} {
		if e := FromTransport("send message", tc.err); e.Kind != tc.want || !strings.Contains(e.Error(), tc.text) {
			t.Errorf("%s: %v, want %s with %q", name, e, tc.want, tc.text)
		}
	}
}

// The paths and queries of some vendors' addresses contain tokens.
func TestFromTransportHasNoAddress(t *testing.T) {
	cause := errors.New("connection reset")
	in := &url.Error{Op: "Post", URL: "https://api.example/bot123:SECRET/send?key=SECRET", Err: cause}
	for name, err := range map[string]error{
		"plain": in, "wrapped": fmt.Errorf("call vendor: %w", in), "joined": errors.Join(in, context.Canceled),
		"nested": &url.Error{Op: "Get", URL: "https://SECRET.example", Err: in},
	} {
		e := FromTransport("send", err)
		if strings.Contains(e.Error(), "SECRET") || !strings.Contains(e.Error(), "connection reset") || !errors.Is(e, cause) {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestRegisterCollectorSharesEqualCollectors(t *testing.T) {
	counter := func() prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "patchbay_plugin_calls_total", Help: "x"})
	}
	registry := prometheus.NewRegistry()
	first, err := RegisterCollector(registry, counter())
	if err != nil {
		t.Fatal(err)
	}
	if second, err := RegisterCollector(registry, counter()); err != nil || second != first {
		t.Errorf("the second channel has another collector, error %v", err)
	}
	if _, err := RegisterCollector(nil, counter()); err != nil {
		t.Errorf("without a registry: %v", err)
	}
	other := prometheus.NewGauge(prometheus.GaugeOpts{Name: "patchbay_plugin_calls_total", Help: "y"})
	if _, err := RegisterCollector(registry, other); err == nil {
		t.Error("another collector of the same name was accepted")
	}
}
