package main

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"patchbay/sdk/envelope"
)

// The channels of a process share the metrics.
func TestAnswersAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	a := newAdapter()
	for name, role := range map[string]envelope.Role{"faq": envelope.RoleBot, "handoff": envelope.RoleCustomer} {
		ch := channelOf(role, botJSON("https://api-sg.gptbots.ai"), nil)
		ch.Name, ch.Host.Registry = name, registry
		if _, err := a.Configure(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	used := with(goodV2, `"create_time"`, `"usage":{"tokens":{"total_tokens":29,"prompt_tokens":19,"completion_tokens":10},`+
		`"credits":{"total_credits":0.5}},"create_time"`)
	for _, body := range []string{used, used, v1("ANSWER", "RESEARCH")} {
		if _, err := a.Receive(t.Context(), request(body)); err != nil {
			t.Fatal(err)
		}
	}
	req := handoffRequest(chatPath, with(goodChat, `"Hi"`, `7`))
	req.Channels = []string{"handoff"}
	if _, err := a.Receive(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	m := a.channel("faq").metrics
	for name, tt := range map[string]struct {
		c    prometheus.Counter
		want float64
	}{
		"unparsed":           {m.unparsed.WithLabelValues("faq"), 1},
		"unparsed, hand-off": {m.unparsed.WithLabelValues("handoff"), 1},
		"prompt":             {m.tokens.WithLabelValues("faq", "prompt"), 38},
		"completion":         {m.tokens.WithLabelValues("faq", "completion"), 20},
		"credits":            {m.credits.WithLabelValues("faq"), 1},
	} {
		var got dto.Metric
		if err := tt.c.Write(&got); err != nil || got.GetCounter().GetValue() != tt.want {
			t.Errorf("%s: %v, %v; want %v", name, got.GetCounter(), err, tt.want)
		}
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 3 {
		t.Errorf("%d families, %v", len(families), err)
	}
}

func TestConflictingMetricIsAnError(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "patchbay_plugin_botwebhook_tokens_total", Help: "Tokens that GPTBots reports as used for answers, by use: prompt or completion.",
	}, []string{"channel", "use"}))
	ch := channelOf(envelope.RoleBot, botJSON("https://api-sg.gptbots.ai"), nil)
	ch.Host.Registry = registry
	if _, err := newAdapter().Configure(t.Context(), ch); err == nil {
		t.Error("a metric of another type was used as the adapter's metric")
	}
}

func TestReadUsage(t *testing.T) {
	tests := []struct {
		name, data string
		want       usage
	}{
		{"nested", `{"tokens":{"total_tokens":29,"prompt_tokens":19,"completion_tokens":10},"credits":{"total_credits":0.25}}`,
			usage{29, 19, 10, 0.25}},
		{"tokens alone", `{"total_tokens":29,"prompt_tokens":19,"completion_tokens":10}`, usage{29, 19, 10, 0}},
		{"nothing", ``, usage{}},
		{"null", `null`, usage{}},
		{"members null", `{"tokens":null,"credits":null}`, usage{}},
		{"a number", `29`, usage{}},
		{"wrong types", `{"tokens":[29]}`, usage{}},
		{"not plausible", `{"tokens":{"total_tokens":-1,"prompt_tokens":1e300},"credits":{"total_credits":1e10}}`, usage{}},
	}
	for _, tt := range tests {
		if got := decodeUsage([]byte(tt.data)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
