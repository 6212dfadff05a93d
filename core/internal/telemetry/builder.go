package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
)

// builder creates metrics with the prefix patchbay_ and registers them.
type builder struct{ r prometheus.Registerer }

const prefix = "patchbay_"

func (b *builder) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	b.r.MustRegister(v)
	return v
}

func (b *builder) counter(name, help string) prometheus.Counter {
	v := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	b.r.MustRegister(v)
	return v
}

func (b *builder) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, labels)
	b.r.MustRegister(v)
	return v
}

func (b *builder) gauge(name, help string) prometheus.Gauge {
	v := prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	b.r.MustRegister(v)
	return v
}

var latencyBuckets = []float64{.001, .0025, .005, .01, .02, .04, .08, .16, .32, .64, 1.25, 2.5, 5, 10, 30, 60, 300, 900}

func (b *builder) latencies(name, help string, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(histogramOpts(name, help, latencyBuckets), labels)
	b.r.MustRegister(v)
	return v
}

func (b *builder) latency(name, help string) prometheus.Histogram {
	return b.histogram(name, help, latencyBuckets)
}

func (b *builder) histogram(name, help string, buckets []float64) prometheus.Histogram {
	v := prometheus.NewHistogram(histogramOpts(name, help, buckets))
	b.r.MustRegister(v)
	return v
}

// histogramOpts makes each histogram both classic and native; native buckets are finer.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: prefix + name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
	}
}
