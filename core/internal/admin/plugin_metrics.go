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
	// pluginPrefix is what the names of adapters' own metrics begin with; others are left out.
	pluginPrefix = "patchbay_plugin_"
	// pluginDeadline is how long a scrape waits for adapters.
	pluginDeadline = 300 * time.Millisecond
	// maxPluginMetrics is the most that one adapter may say in a scrape, in bytes.
	maxPluginMetrics = 1 << 20
)

// speaker is an adapter that tells its own metrics in Prometheus' text format; see plugin.Host.CollectMetrics.
type speaker interface {
	CollectMetrics(ctx context.Context) ([]byte, error)
}

// pluginMetrics gathers the gateway's metrics and those of its adapters' processes. What an adapter says is untrusted:
// it can neither fail a scrape nor delay it for long, nor speak for another or for the gateway.
type pluginMetrics struct {
	gateway  prometheus.Gatherer
	adapters map[string]speaker
	up       *prometheus.GaugeVec
	logger   *slog.Logger
}

func newPluginMetrics(r *prometheus.Registry, adapters map[string]speaker, logger *slog.Logger) *pluginMetrics {
	p := &pluginMetrics{gateway: r, adapters: adapters, logger: logger, up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: pluginPrefix + "scrape_up", Help: "Whether the adapter told its own metrics when it was last asked.",
	}, []string{"adapter"})}
	for name := range adapters {
		p.up.WithLabelValues(name)
	}
	r.MustRegister(p.up)
	return p
}

// Gather implements prometheus.Gatherer.
func (p *pluginMetrics) Gather() ([]*dto.MetricFamily, error) {
	told := p.ask()
	families, err := p.gateway.Gather()
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, f := range families {
		taken[f.GetName()] = true
	}
	merged := map[string]*dto.MetricFamily{}
	for _, t := range told {
		for name, f := range t.families {
			have := merged[name]
			switch {
			case !strings.HasPrefix(name, pluginPrefix) || taken[name] || have != nil && have.GetType() != f.GetType():
				p.logger.Debug("metric of an adapter left out", "adapter", t.adapter, "metric", name)
			case have == nil:
				merged[name] = f
				families = append(families, f)
			default:
				have.Metric = append(have.Metric, f.GetMetric()...)
			}
		}
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return families, nil
}

// told is what one adapter said.
type told struct {
	adapter  string
	families map[string]*dto.MetricFamily
}

// ask asks all adapters at once, and returns what they said in order of their names.
func (p *pluginMetrics) ask() []told {
	ctx, cancel := context.WithTimeout(context.Background(), pluginDeadline)
	defer cancel()
	var (
		mu      sync.Mutex
		out     []told
		running sync.WaitGroup
	)
	for name, a := range p.adapters {
		running.Go(func() {
			families, err := read(ctx, a)
			if err != nil {
				p.up.WithLabelValues(name).Set(0)
				p.logger.Debug("adapter told no metrics", "adapter", name, "error", err)
				return
			}
			p.up.WithLabelValues(name).Set(1)
			for _, f := range families {
				sign(f, name)
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, told{name, families})
		})
	}
	running.Wait()
	slices.SortFunc(out, func(a, b told) int { return cmp.Compare(a.adapter, b.adapter) })
	return out
}

func read(ctx context.Context, a speaker) (map[string]*dto.MetricFamily, error) {
	text, err := a.CollectMetrics(ctx)
	if err != nil {
		return nil, err
	}
	if len(text) > maxPluginMetrics {
		return nil, fmt.Errorf("%d bytes of metrics, of which %d are taken", len(text), maxPluginMetrics)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return families, nil
}

// sign puts the adapter's name into the label adapter of each metric, in place of one that it gave itself, and keeps
// the first of metrics with the same labels.
func sign(f *dto.MetricFamily, adapter string) {
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
