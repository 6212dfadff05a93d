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

func (b *builder) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(histogramOpts(name, help, buckets), labels)
	b.r.MustRegister(v)
	return v
}

func (b *builder) histogram(name, help string, buckets []float64) prometheus.Histogram {
	v := prometheus.NewHistogram(histogramOpts(name, help, buckets))
	b.r.MustRegister(v)
	return v
}

// histogramOpts makes each histogram both classic and native; native buckets are finer.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: prefix + name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
	}
}
