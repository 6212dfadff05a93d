package admin

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	// pluginPrefix is the required prefix of adapters' own metrics.
	pluginPrefix = "patchbay_plugin_"
	// pluginTimeout bounds how long a scrape waits for adapters.
	pluginTimeout = 300 * time.Millisecond
	// maxPluginMetrics is the maximum size of one adapter's metrics in bytes.
	maxPluginMetrics = 1 << 20
)

// metricsSource returns an adapter's own metrics in the Prometheus text format; see plugin.Host.CollectMetrics.
type metricsSource interface {
	CollectMetrics(ctx context.Context) ([]byte, error)
}

// metricsGatherer gathers the metrics of the gateway and of its adapters. An adapter's metrics are untrusted: they
// cannot make a scrape fail, delay it by more than pluginTimeout, or replace metrics of the gateway or of another
// adapter.
type metricsGatherer struct {
	gateway  prometheus.Gatherer
	adapters func() map[string]metricsSource
	up       *prometheus.GaugeVec
	logger   *slog.Logger

	mu    sync.Mutex
	known map[string]metricsSource // the adapters of the last scrape
}

func newMetricsGatherer(
	r *prometheus.Registry, adapters func() map[string]metricsSource, logger *slog.Logger,
) *metricsGatherer {
	up := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: pluginPrefix + "scrape_up", Help: "Whether the last scrape of the adapter's own metrics succeeded.",
	}, []string{"adapter"})
	g := &metricsGatherer{gateway: r, adapters: adapters, up: up, logger: logger}
	for name := range adapters() {
		g.up.WithLabelValues(name)
	}
	r.MustRegister(g.up)
	return g
}

// Gather implements prometheus.Gatherer.
func (g *metricsGatherer) Gather() ([]*dto.MetricFamily, error) {
	scrapes := g.scrapeAdapters()
	families, err := g.gateway.Gather()
	if err != nil {
		return nil, err
	}
	reserved := map[string]bool{}
	for _, f := range families {
		reserved[f.GetName()] = true
	}
	merged := map[string]*dto.MetricFamily{}
	for _, s := range scrapes {
		for name, f := range s.families {
			other := merged[name]
			switch {
			case !strings.HasPrefix(name, pluginPrefix) || reserved[name] || other != nil && other.GetType() != f.GetType():
				g.logger.Debug("metric of an adapter dropped", "adapter", s.adapter, "metric", name)
			case other == nil:
				merged[name] = f
				families = append(families, f)
			default:
				other.Metric = append(other.Metric, f.GetMetric()...)
			}
		}
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return families, nil
}

// scrape contains the metrics of one adapter.
type scrape struct {
	adapter  string
	families map[string]*dto.MetricFamily
}

// scrapeAdapters scrapes all adapters concurrently. It returns the successful scrapes, sorted by adapter.
func (g *metricsGatherer) scrapeAdapters() []scrape {
	ctx, cancel := context.WithTimeout(context.Background(), pluginTimeout)
	defer cancel()
	var (
		mu      sync.Mutex
		out     []scrape
		running sync.WaitGroup
	)
	for name, a := range g.currentAdapters() {
		running.Go(func() {
			families, err := scrapeAdapter(ctx, a)
			if err != nil {
				g.up.WithLabelValues(name).Set(0)
				g.logger.Debug("scrape of an adapter failed", "adapter", name, "error", err)
				return
			}
			g.up.WithLabelValues(name).Set(1)
			for _, f := range families {
				setAdapterLabel(f, name)
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, scrape{name, families})
		})
	}
	running.Wait()
	slices.SortFunc(out, func(a, b scrape) int { return cmp.Compare(a.adapter, b.adapter) })
	return out
}

// currentAdapters returns the adapters, and deletes the metric of those that were removed.
func (g *metricsGatherer) currentAdapters() map[string]metricsSource {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.adapters()
	for name := range g.known {
		if now[name] == nil {
			g.up.DeleteLabelValues(name)
		}
	}
	g.known = now
	return now
}

func scrapeAdapter(ctx context.Context, a metricsSource) (map[string]*dto.MetricFamily, error) {
	text, err := a.CollectMetrics(ctx)
	if err != nil {
		return nil, err
	}
	if len(text) > maxPluginMetrics {
		return nil, fmt.Errorf("metrics have %d bytes: at most %d are allowed", len(text), maxPluginMetrics)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parse the metrics: %w", err)
	}
	return families, nil
}

// setAdapterLabel sets the label adapter on each metric, replacing the adapter's own value. If several metrics then
// have the same labels, it keeps the first.
func setAdapterLabel(f *dto.MetricFamily, adapter string) {
	label, seen := "adapter", map[string]bool{}
	f.Metric = slices.DeleteFunc(f.Metric, func(m *dto.Metric) bool {
		m.Label = slices.DeleteFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == label })
		m.Label = append(m.Label, &dto.LabelPair{Name: &label, Value: &adapter})
		slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
		var key strings.Builder
		for _, l := range m.Label {
			fmt.Fprintf(&key, "%q=%q,", l.GetName(), l.GetValue())
		}
		repeated := seen[key.String()]
		seen[key.String()] = true
		return repeated
	})
}
