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

// fakeFarEnd responds to each call with a status or fails with a transport error.
type fakeFarEnd struct{ next func() (int, error) }

// RoundTrip implements http.RoundTripper.
func (f *fakeFarEnd) RoundTrip(r *http.Request) (*http.Response, error) {
	status, err := f.next()
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func TestHealthReflectsTheLastCalls(t *testing.T) {
	type outcome struct {
		status int
		err    error
		want   string // part of the health error after the call; "" is healthy
	}
	refused := errors.New("broken")
	const unreachable, credentials = "is unreachable", "refuses the credentials"
	tests := []struct {
		name     string
		outcomes []outcome
	}{
		{"accepted", []outcome{{status: 200}, {status: 200}}},
		{"credentials refused until a call is accepted", []outcome{
			{status: 401, want: credentials}, {status: 503, want: credentials}, {status: 404, want: credentials}, {status: 200},
			{status: 403, want: credentials}}},
		{"failing, but reachable", []outcome{{status: 500}, {status: 500}, {status: 500}, {status: 429}, {status: 404}}},
		{"three calls without an answer", []outcome{
			{err: refused}, {err: syscall.ECONNREFUSED}, {err: context.DeadlineExceeded, want: unreachable},
			{err: refused, want: unreachable}, {status: 500}, {err: refused}, {err: refused}, {status: 200}, {err: refused}}},
		{"canceled by the gateway", []outcome{{err: context.Canceled}, {err: context.Canceled}, {err: context.Canceled}}},
		{"refused, then no answer", []outcome{
			{status: 401, want: credentials}, {err: refused, want: credentials}, {err: refused, want: credentials},
			{err: refused, want: credentials}, {status: 200}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var now outcome
			client := &http.Client{Transport: &fakeFarEnd{next: func() (int, error) { return now.status, now.err }}}
			a := withBots(t, configured(t, map[string]string{"livechat": livechat}, client), map[string]string{"faq": faq}, client)
			for i, o := range tt.outcomes {
				now = o
				for _, d := range []*sdk.Delivery{delivery(), messageDelivery()} {
					if _, err := a.Deliver(t.Context(), d); (err == nil) != (o.status == 200) {
						t.Fatalf("call %d: %v", i+1, err)
					}
					err := a.Health(t.Context(), d.Channel)
					if (err != nil) != (o.want != "") || err != nil && !strings.Contains(err.Error(), o.want) {
						t.Errorf("after call %d to %s: %v, want %q", i+1, d.Channel, err, o.want)
					}
				}
			}
		})
	}
	if newAdapter().Health(t.Context(), "gone") == nil {
		t.Error("an unconfigured channel is healthy")
	}
}

func TestCallsAreCounted(t *testing.T) {
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
	unknownEvent := withoutText(`"event":{"type":"rated"}`)
	for _, req := range []*sdk.Request{
		request(unknownEvent), request(unknownEvent), request(edit("Hi", "Hi")), request(edit(testToken, "wrong")),
		answer(t, "faq", `{"userId":"u","payload":1}`), answer(t, "faq", `{"userId":"u","chatbotName":"other","payload":{}}`),
		answer(t, "faq", `{"userId":"u","payload":{"event":{"type":"passed"}}}`), answer(t, "faq", accepted),
	} {
		if _, err := a.Receive(t.Context(), req); err != nil && sdk.KindOf(err) != sdk.KindUnauthorized {
			t.Fatal(err)
		}
	}
	unauthenticated := answer(t, "faq", accepted)
	unauthenticated.Header.Del("Authorization")
	for range 2 {
		if _, err := a.Receive(t.Context(), unauthenticated); sdk.KindOf(err) != sdk.KindUnauthorized {
			t.Fatal(err)
		}
	}
	const want = `# HELP patchbay_plugin_native_unauthenticated_total Calls refused for their credentials or signature.
# TYPE patchbay_plugin_native_unauthenticated_total counter
patchbay_plugin_native_unauthenticated_total{channel="faq"} 2
patchbay_plugin_native_unauthenticated_total{channel="livechat"} 1
# HELP patchbay_plugin_native_unparsed_total Authenticated calls stored as unparsed, by reason.
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

// A conflicting metric makes Configure fail without a panic.
func TestConflictingMetricIsAnError(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "patchbay_plugin_native_unparsed_total", Help: "x"}))
	_, err := newAdapter().Configure(t.Context(), sdk.Channel{Name: "livechat", Role: envelope.RoleCustomer,
		Settings: sdk.NewSettings([]byte(livechat)), Host: sdk.Host{Registry: registry}})
	if err == nil || !strings.Contains(err.Error(), "patchbay_plugin_native_unparsed_total") {
		t.Errorf("error %v; want one with the metric's name", err)
	}
}
