package telemetry

import "github.com/prometheus/client_golang/prometheus"

// builder creates metrics with the prefix patchbay_ and registers them.
type builder struct{ r prometheus.Registerer }

const prefix = "patchbay_"

var latencyBuckets = []float64{.001, .0025, .005, .01, .02, .04, .08, .16, .32, .64, 1.25, 2.5, 5, 10, 30, 60, 300, 900}

func register[C prometheus.Collector](r prometheus.Registerer, c C) C {
	r.MustRegister(c)
	return c
}

func (b *builder) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return register(b.r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels))
}

func (b *builder) counter(name, help string) prometheus.Counter {
	return register(b.r, prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help}))
}

func (b *builder) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(b.r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, labels))
}

func (b *builder) gauge(name, help string) prometheus.Gauge {
	return register(b.r, prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help}))
}

func (b *builder) latencies(name, help string, labels ...string) *prometheus.HistogramVec {
	return register(b.r, prometheus.NewHistogramVec(histogramOpts(name, help, latencyBuckets), labels))
}

func (b *builder) latency(name, help string) prometheus.Histogram {
	return b.histogram(name, help, latencyBuckets)
}

func (b *builder) histogram(name, help string, buckets []float64) prometheus.Histogram {
	return register(b.r, prometheus.NewHistogram(histogramOpts(name, help, buckets)))
}

// histogramOpts makes each histogram both classic and native; native buckets are finer.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: prefix + name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
	}
}
