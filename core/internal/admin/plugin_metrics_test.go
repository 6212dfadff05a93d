package admin

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

type says string

func (s says) CollectMetrics(context.Context) ([]byte, error) { return []byte(s), nil }

type fails struct{}

func (fails) CollectMetrics(context.Context) ([]byte, error) { return nil, errors.New("not ready") }

type hangs struct{}

func (hangs) CollectMetrics(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }

// page gathers with these adapters, and returns the lines of samples of the metrics that they may have brought.
func page(t *testing.T, adapters map[string]speaker) string {
	t.Helper()
	r := prometheus.NewRegistry()
	own := prometheus.NewCounter(prometheus.CounterOpts{Name: "patchbay_messages_total", Help: "Ours."})
	r.MustRegister(own)
	families, err := newPluginMetrics(r, adapters, slog.New(slog.DiscardHandler)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func TestPluginMetrics(t *testing.T) {
	for name, tc := range map[string]struct {
		adapters map[string]speaker
		want     string
	}{
		"one name of two adapters": {
			map[string]speaker{
				"a": says("# TYPE patchbay_plugin_tokens counter\npatchbay_plugin_tokens{kind=\"x\"} 3\n"),
				"b": says("# TYPE patchbay_plugin_tokens counter\npatchbay_plugin_tokens{zone=\"x\"} 4\n"),
			}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 1
patchbay_plugin_scrape_up{adapter="b"} 1
patchbay_plugin_tokens{adapter="a",kind="x"} 3
patchbay_plugin_tokens{adapter="b",zone="x"} 4
`,
		},
		"a histogram": {
			map[string]speaker{"a": says("# TYPE patchbay_plugin_s histogram\npatchbay_plugin_s_bucket{le=\"+Inf\"} 2\n" +
				"patchbay_plugin_s_sum 5\npatchbay_plugin_s_count 2\n")}, `patchbay_messages_total 0
patchbay_plugin_s_bucket{adapter="a",le="+Inf"} 2
patchbay_plugin_s_sum{adapter="a"} 5
patchbay_plugin_s_count{adapter="a"} 2
patchbay_plugin_scrape_up{adapter="a"} 1
`,
		},
		"other names, ours, another's label, repetitions": {
			map[string]speaker{"a": says("go_goroutines 9\npatchbay_messages_total 9\npatchbay_plugin_scrape_up 9\n" +
				"patchbay_plugin_x{adapter=\"b\"} 1\npatchbay_plugin_x 2\n")}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 1
patchbay_plugin_x{adapter="a"} 1
`,
		},
		"another type": {
			map[string]speaker{
				"a": says("# TYPE patchbay_plugin_x counter\npatchbay_plugin_x 1\n"),
				"b": says("# TYPE patchbay_plugin_x gauge\npatchbay_plugin_x 2\n"),
			}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 1
patchbay_plugin_scrape_up{adapter="b"} 1
patchbay_plugin_x{adapter="a"} 1
`,
		},
		"nothing to read": {
			map[string]speaker{
				"away": fails{}, "broken": says("patchbay_plugin_x{ 1\n"), "none": says(""),
				"large": says(strings.Repeat("# much\n", maxPluginMetrics/7+1)),
			}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="away"} 0
patchbay_plugin_scrape_up{adapter="broken"} 0
patchbay_plugin_scrape_up{adapter="large"} 0
patchbay_plugin_scrape_up{adapter="none"} 1
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, page(t, tc.adapters)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPluginMetricsDontDelay: an adapter that doesn't answer holds a scrape up for a moment only.
func TestPluginMetricsDontDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got := page(t, map[string]speaker{"a": hangs{}, "b": hangs{}, "c": says("patchbay_plugin_x 1\n")})
		want := `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 0
patchbay_plugin_scrape_up{adapter="b"} 0
patchbay_plugin_scrape_up{adapter="c"} 1
patchbay_plugin_x{adapter="c"} 1
`
		if diff := cmp.Diff(want, got); diff != "" || time.Since(began) > pluginDeadline {
			t.Errorf("after %s:\n%s", time.Since(began), diff)
		}
	})
}
