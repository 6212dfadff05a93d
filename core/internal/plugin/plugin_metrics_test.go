package plugin

import (
	"errors"
	"strings"
	"testing"

	"patchbay/sdk/protocol/pluginpb"
)

func TestCollectMetricsIncludesAllChannels(t *testing.T) {
	r := run(t, "")
	for _, channel := range []string{"a", "b"} {
		if _, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: channel}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := r.CollectMetrics(r.ctx())
	if want := "patchbay_plugin_configured_total 2\n"; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("CollectMetrics = %q, %v; want %q", text, err, want)
	}
	r.stop()
	if _, err := r.CollectMetrics(t.Context()); !errors.Is(err, ErrNotReady) {
		t.Errorf("CollectMetrics of a stopped adapter = %v, want ErrNotReady", err)
	}
}
