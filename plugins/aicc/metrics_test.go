package main

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"patchbay/sdk"
)

// counterValue returns a counter's value.
func counterValue(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// The channels of a process share the counters, also after a new configuration. The number of label values is limited.
func TestUnparsedMessagesAreCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	a := newAdapter()
	a.now = func() time.Time { return testTime }
	for name, id := range map[string]string{"desk": testChannelID, "desk-two": otherChannel} {
		for range 2 {
			ch := testChannel(t, name, map[string]any{"channel_id": id})
			ch.Host.Registry = reg
			if _, err := a.Configure(t.Context(), ch); err != nil {
				t.Fatal(err)
			}
		}
	}
	push := `{"messages":[` + item(`"controlType":"WITHDRAW"`) + `,` + item(`"controlType":"RECALL"`) + `,` +
		item(`"mediaType":"SMELL"`) + `,` + item(`"sourceType":"GHOST"`) + `,` + item(`"timestamp":"soon"`) + `,` +
		item(`"from":"`+otherChannel+`","controlType":"X"`) + `,` + item(`"from":"unknown"`) + `,` + item(`"messageCode":[5]`) +
		`,` + item("") + `]}`
	r, err := a.Receive(t.Context(), signedRequest([]byte(push)))
	if err != nil || len(r.Envelopes) != 9 {
		t.Fatalf("Receive = %v, %v", r, err)
	}
	counter := a.channels["desk"].metrics.unparsed
	for _, want := range []struct {
		channel, field string
		n              float64
	}{
		{"desk", "controlType", 2}, {"desk", "mediaType", 1}, {"desk", "sourceType", 1}, {"desk", "timestamp", 1},
		{"desk", "from", 1}, {"desk", "other", 1}, {"desk-two", "controlType", 1},
	} {
		if got := counterValue(t, counter.WithLabelValues(want.channel, want.field)); got != want.n {
			t.Errorf("%s, %s: %v; want %v", want.channel, want.field, got, want.n)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "patchbay_plugin_aicc_unparsed_total" && len(f.GetMetric()) == 7 {
			return
		}
	}
	t.Errorf("the registry has %v", families)
}

// The counter shows whether AICC still uses the previous key.
func TestPreviousCredentialsAreCounted(t *testing.T) {
	a := testAdapter(t, testChannel(t, "desk", rotation))
	counter := a.channels["desk"].metrics.previous.WithLabelValues("desk")
	s, req := vectorSigner(), vectorRequest()
	for i, key := range []string{testSecretKey, previousKey, previousKey, "guess"} {
		s.secret = key
		req.Header.Set("Authorization", s.header())
		if _, err := a.Receive(t.Context(), req); (err == nil) != (i < 3) {
			t.Errorf("key %d: %v", i, err)
		}
	}
	if got := counterValue(t, counter); got != 2 {
		t.Errorf("%v pushes with the previous key; want 2", got)
	}
}

func TestFilesAreCounted(t *testing.T) {
	v := newMemoryVendor()
	a := deskIn(t, v, nil)
	for _, bytes := range []string{"pixels", ""} {
		_, err := a.Deliver(t.Context(), fileDelivery("image", sdk.NewAttachment("image/png", "", []byte(bytes))))
		if (err == nil) != (bytes != "") {
			t.Errorf("%q: %v", bytes, err)
		}
	}
	files := a.channels["desk"].metrics.files
	for result, want := range map[string]float64{"ok": 1, "failed": 1} {
		if got := counterValue(t, files.WithLabelValues("desk", "up", result)); got != want {
			t.Errorf("%s: %v; want %v", result, got, want)
		}
	}
}
