package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// farSide answers each call with the next outcome: a status, or an error of the transport.
type farSide struct{ next func() (int, error) }

// RoundTrip implements http.RoundTripper.
func (f *farSide) RoundTrip(r *http.Request) (*http.Response, error) {
	status, err := f.next()
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func TestHealth(t *testing.T) {
	type outcome struct {
		status int
		err    error
		sick   string // in the complaint after the call; "" is healthy
	}
	refused := errors.New("broken")
	const unreachable, credentials = "can't be reached", "refuses the credentials"
	tests := []struct {
		name     string
		outcomes []outcome
	}{
		{"taken", []outcome{{status: 200}, {status: 200}}},
		{"credentials refused until a call is taken", []outcome{
			{status: 401, sick: credentials}, {status: 503, sick: credentials}, {status: 404, sick: credentials}, {status: 200},
			{status: 403, sick: credentials}}},
		{"failing, but there", []outcome{{status: 500}, {status: 500}, {status: 500}, {status: 429}, {status: 404}}},
		{"silent for three calls", []outcome{
			{err: refused}, {err: syscall.ECONNREFUSED}, {err: context.DeadlineExceeded, sick: unreachable},
			{err: refused, sick: unreachable}, {status: 500}, {err: refused}, {err: refused}, {status: 200}, {err: refused}}},
		{"taken back by the gateway", []outcome{{err: context.Canceled}, {err: context.Canceled}, {err: context.Canceled}}},
		{"refused, then silent", []outcome{
			{status: 401, sick: credentials}, {err: refused, sick: credentials}, {err: refused, sick: credentials},
			{err: refused, sick: credentials}, {status: 200}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var now outcome
			client := &http.Client{Transport: &farSide{next: func() (int, error) { return now.status, now.err }}}
			a := withBots(t, configured(t, map[string]string{"livechat": livechat}, client), map[string]string{"faq": faq}, client)
			for i, o := range tt.outcomes {
				now = o
				for _, d := range []*sdk.Delivery{delivery(), question()} {
					if _, err := a.Deliver(t.Context(), d); (err == nil) != (o.status == 200) {
						t.Fatalf("call %d: %v", i+1, err)
					}
					err := a.Health(t.Context(), d.Channel)
					if (err != nil) != (o.sick != "") || err != nil && !strings.Contains(err.Error(), o.sick) {
						t.Errorf("after call %d to %s: %v, want %q", i+1, d.Channel, err, o.sick)
					}
				}
			}
		})
	}
	if newAdapter().Health(t.Context(), "gone") == nil {
		t.Error("a channel that is not configured is healthy")
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	a := newAdapter()
	for role, ch := range map[envelope.Role][2]string{
		envelope.RoleCustomer: {"livechat", livechat}, envelope.RoleBot: {"faq", faq},
	} {
		_, err := a.Configure(t.Context(), sdk.Channel{Name: ch[0], Role: role, Settings: sdk.NewSettings([]byte(ch[1])),
			Host: sdk.Host{Logger: slog.New(slog.DiscardHandler), Registry: registry}})
		if err != nil {
			t.Fatal(err)
		}
	}
	wordless := wordless(`"event":{"type":"rated"}`)
	for _, req := range []*sdk.Request{
		request(wordless), request(wordless), request(say("Hi", "Hi")), request(say(testToken, "wrong")),
		answer(t, "faq", `{"userId":"u","payload":1}`), answer(t, "faq", `{"userId":"u","chatbotName":"other","payload":{}}`),
		answer(t, "faq", `{"userId":"u","payload":{"event":{"type":"passed"}}}`), answer(t, "faq", spoken),
	} {
		if _, err := a.Receive(t.Context(), req); err != nil && sdk.KindOf(err) != sdk.KindUnauthorized {
			t.Fatal(err)
		}
	}
	stranger := answer(t, "faq", spoken)
	stranger.Header.Del("Authorization")
	for range 2 {
		if _, err := a.Receive(t.Context(), stranger); sdk.KindOf(err) != sdk.KindUnauthorized {
			t.Fatal(err)
		}
	}
	const want = `# HELP patchbay_plugin_native_unauthenticated_total Calls that were refused for their credentials or signature.
# TYPE patchbay_plugin_native_unauthenticated_total counter
patchbay_plugin_native_unauthenticated_total{channel="faq"} 2
patchbay_plugin_native_unauthenticated_total{channel="livechat"} 1
# HELP patchbay_plugin_native_unparsed_total Calls that were authenticated and kept, but not understood, by reason.
# TYPE patchbay_plugin_native_unparsed_total counter
patchbay_plugin_native_unparsed_total{channel="faq",reason="addressee"} 1
patchbay_plugin_native_unparsed_total{channel="faq",reason="event"} 0
patchbay_plugin_native_unparsed_total{channel="faq",reason="passed"} 1
patchbay_plugin_native_unparsed_total{channel="faq",reason="payload"} 1
patchbay_plugin_native_unparsed_total{channel="livechat",reason="addressee"} 0
patchbay_plugin_native_unparsed_total{channel="livechat",reason="event"} 2
patchbay_plugin_native_unparsed_total{channel="livechat",reason="passed"} 0
patchbay_plugin_native_unparsed_total{channel="livechat",reason="payload"} 0
`
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&got, f); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// TestMetricsThatClash holds that a channel is refused, and the process goes on, where a name is taken by something else.
func TestMetricsThatClash(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "patchbay_plugin_native_unparsed_total", Help: "x"}))
	_, err := newAdapter().Configure(t.Context(), sdk.Channel{Name: "livechat", Role: envelope.RoleCustomer,
		Settings: sdk.NewSettings([]byte(livechat)), Host: sdk.Host{Registry: registry}})
	if err == nil || !strings.Contains(err.Error(), "patchbay_plugin_native_unparsed_total") {
		t.Errorf("error %v; want one that names the metric", err)
	}
}
