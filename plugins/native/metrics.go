package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
)

// metrics are the adapter's metrics. They count calls, so a repeated call counts again. The channels of one process
// share them.
type metrics struct {
	unparsed        *prometheus.CounterVec // channel, reason
	unauthenticated *prometheus.CounterVec // channel
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	var errs []error
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		opts := prometheus.CounterOpts{Name: "patchbay_plugin_native_" + name, Help: help}
		c, err := sdk.RegisterCollector(registry, prometheus.NewCounterVec(opts, labels))
		errs = append(errs, err)
		return c
	}
	m := &metrics{
		unparsed:        counter("unparsed_total", "Authenticated calls stored as unparsed, by reason.", "channel", "reason"),
		unauthenticated: counter("unauthenticated_total", "Calls refused for their credentials or signature.", "channel"),
	}
	return m, errors.Join(errs...)
}

// init creates a channel's counters at 0, so that the first event is visible as an increase.
func (m *metrics) init(channel string) {
	m.unauthenticated.WithLabelValues(channel)
	for _, reason := range []string{reasonPayload, reasonEvent, reasonAddressee, reasonPassed} {
		m.unparsed.WithLabelValues(channel, reason)
	}
}
