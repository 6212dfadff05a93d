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

type staticSource string

func (s staticSource) CollectMetrics(context.Context) ([]byte, error) { return []byte(s), nil }

type failingSource struct{}

func (failingSource) CollectMetrics(context.Context) ([]byte, error) {
	return nil, errors.New("not ready")
}

type hangingSource struct{}

func (hangingSource) CollectMetrics(ctx context.Context) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// exposedSamples returns the samples that a gateway with one metric and these adapters exposes.
func exposedSamples(t *testing.T, adapters map[string]metricsSource) string {
	t.Helper()
	r := prometheus.NewRegistry()
	own := prometheus.NewCounter(prometheus.CounterOpts{Name: "patchbay_messages_total", Help: "Gateway metric."})
	r.MustRegister(own)
	families, err := newMetricsGatherer(r, func() map[string]metricsSource { return adapters }, slog.New(slog.DiscardHandler)).Gather()
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

func TestAdapterMetricsAreMerged(t *testing.T) {
	for name, tc := range map[string]struct {
		adapters map[string]metricsSource
		want     string
	}{
		"same name from two adapters": {
			map[string]metricsSource{
				"a": staticSource("# TYPE patchbay_plugin_tokens counter\npatchbay_plugin_tokens{kind=\"x\"} 3\n"),
				"b": staticSource("# TYPE patchbay_plugin_tokens counter\npatchbay_plugin_tokens{zone=\"x\"} 4\n"),
			}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 1
patchbay_plugin_scrape_up{adapter="b"} 1
patchbay_plugin_tokens{adapter="a",kind="x"} 3
patchbay_plugin_tokens{adapter="b",zone="x"} 4
`,
		},
		"histogram": {
			map[string]metricsSource{"a": staticSource("# TYPE patchbay_plugin_s histogram\n" +
				"patchbay_plugin_s_bucket{le=\"+Inf\"} 2\npatchbay_plugin_s_sum 5\npatchbay_plugin_s_count 2\n")}, `patchbay_messages_total 0
patchbay_plugin_s_bucket{adapter="a",le="+Inf"} 2
patchbay_plugin_s_sum{adapter="a"} 5
patchbay_plugin_s_count{adapter="a"} 2
patchbay_plugin_scrape_up{adapter="a"} 1
`,
		},
		"reserved names, other prefixes, foreign label, repetition": {
			map[string]metricsSource{"a": staticSource("go_goroutines 9\npatchbay_messages_total 9\n" +
				"patchbay_plugin_scrape_up 9\npatchbay_plugin_x{adapter=\"b\"} 1\npatchbay_plugin_x 2\n")}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 1
patchbay_plugin_x{adapter="a"} 1
`,
		},
		"conflicting type": {
			map[string]metricsSource{
				"a": staticSource("# TYPE patchbay_plugin_x counter\npatchbay_plugin_x 1\n"),
				"b": staticSource("# TYPE patchbay_plugin_x gauge\npatchbay_plugin_x 2\n"),
			}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 1
patchbay_plugin_scrape_up{adapter="b"} 1
patchbay_plugin_x{adapter="a"} 1
`,
		},
		"failed scrapes": {
			map[string]metricsSource{
				"away": failingSource{}, "broken": staticSource("patchbay_plugin_x{ 1\n"), "none": staticSource(""),
				"large": staticSource(strings.Repeat("# much\n", maxPluginMetrics/7+1)),
			}, `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="away"} 0
patchbay_plugin_scrape_up{adapter="broken"} 0
patchbay_plugin_scrape_up{adapter="large"} 0
patchbay_plugin_scrape_up{adapter="none"} 1
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, exposedSamples(t, tc.adapters)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHangingAdapterDelaysAScrapeByTheTimeoutOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got := exposedSamples(t, map[string]metricsSource{
			"a": hangingSource{}, "b": hangingSource{}, "c": staticSource("patchbay_plugin_x 1\n"),
		})
		want := `patchbay_messages_total 0
patchbay_plugin_scrape_up{adapter="a"} 0
patchbay_plugin_scrape_up{adapter="b"} 0
patchbay_plugin_scrape_up{adapter="c"} 1
patchbay_plugin_x{adapter="c"} 1
`
		if diff := cmp.Diff(want, got); diff != "" || time.Since(began) > pluginTimeout {
			t.Errorf("after %s:\n%s", time.Since(began), diff)
		}
	})
}
