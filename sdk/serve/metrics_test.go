package serve

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestCollectMetricsHasTheAdaptersMetrics(t *testing.T) {
	_, client := connect(t, &scripted{configure: func(ch sdk.Channel) (sdk.Endpoint, error) {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "my_total", Help: "x"})
		c.Add(3)
		return sdk.Endpoint{}, ch.Host.Registry.Register(c)
	}})
	if _, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: "c"}}); err != nil {
		t.Fatal(err)
	}
	m, err := client.CollectMetrics(t.Context(), &pluginpb.CollectMetricsRequest{})
	if err != nil || !strings.Contains(string(m.GetText()), "my_total 3") {
		t.Errorf("%s, %v", m.GetText(), err)
	}
}
