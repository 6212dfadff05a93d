package main

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what an operator can't see in the trail, or wants an alert for. They count calls, so a call that the far
// end repeats counts again. All channels of a process share them.
type metrics struct {
	unparsed        *prometheus.CounterVec // channel, reason
	unauthenticated *prometheus.CounterVec // channel
}

// newMetrics registers the metrics, or finds them registered. Without a registry they count for nobody.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	unparsed, err := counter(r, "patchbay_plugin_native_unparsed_total",
		"Calls that were authenticated and kept, but not understood, by reason.", "channel", "reason")
	if err != nil {
		return nil, err
	}
	unauthenticated, err := counter(r, "patchbay_plugin_native_unauthenticated_total",
		"Calls that were refused for their credentials or signature.", "channel")
	if err != nil {
		return nil, err
	}
	return &metrics{unparsed: unparsed, unauthenticated: unauthenticated}, nil
}

// begin makes a channel's counters appear at 0, so that the first event is a rise.
func (m *metrics) begin(channel string) {
	m.unauthenticated.WithLabelValues(channel)
	for _, reason := range []string{reasonPayload, reasonEvent, reasonAddressee, reasonPassed} {
		m.unparsed.WithLabelValues(channel, reason)
	}
}

func counter(r prometheus.Registerer, name, help string, labels ...string) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	if r == nil {
		return c, nil
	}
	err := r.Register(c)
	if known, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := known.ExistingCollector.(*prometheus.CounterVec); ok {
			return existing, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	return c, nil
}
