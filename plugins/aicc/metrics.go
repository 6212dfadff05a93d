package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the adapter's own counters. Channels of one process share them; without a registry they count for nobody.
type metrics struct {
	unknown *prometheus.CounterVec // messages that were kept as unparsed, by the field that was not understood
	former  *prometheus.CounterVec // pushes proven by a former key or token alone
	files   *prometheus.CounterVec // files up and down
	polls   *prometheus.CounterVec // calls of poll
	polled  *prometheus.GaugeVec   // users that are polled
	kept    *prometheus.GaugeVec   // polled messages that are not stored yet
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return registered(reg, prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "patchbay_plugin_aicc_" + name, Help: help}, append([]string{"channel"}, labels...)))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return registered(reg, prometheus.NewGaugeVec(
			prometheus.GaugeOpts{Name: "patchbay_plugin_aicc_" + name, Help: help}, []string{"channel"}))
	}
	return &metrics{
		unknown: counter("unknown_total", "Messages of AICC kept as unparsed, by the field that was not understood.", "field"),
		former:  counter("former_credential_total", "Pushes that only the previous key or token proved."),
		files: counter("files_total", "Files moved to (up) and from (down) AICC, by result (ok, failed).",
			"direction", "result"),
		polls:  counter("polls_total", "Polls by result (messages, empty, failed).", "result"),
		polled: gauge("polled_users", "Users whose messages are polled."),
		kept:   gauge("polled_messages_unstored", "Polled messages that could not be stored yet; polling waits for them."),
	}
}

// registered registers a collector, or returns the one that another channel of the process has registered.
func registered[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	if are, ok := errors.AsType[prometheus.AlreadyRegisteredError](reg.Register(c)); ok {
		if former, ok := are.ExistingCollector.(C); ok {
			return former
		}
	}
	return c
}

// unknownFields are the values of the label field; all others are "other".
var unknownFields = map[string]bool{
	"from": true, "to": true, "controlType": true, "mediaType": true, "sourceType": true, "content": true, "timestamp": true,
	"isOfflineStatus": true,
}

// countUnknown counts a message that was not understood.
func (m *metrics) countUnknown(channel, field string) {
	if !unknownFields[field] {
		field = "other"
	}
	m.unknown.WithLabelValues(channel, field).Inc()
}

// countFile counts a file that was moved, or not.
func (m *metrics) countFile(channel, direction string, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.files.WithLabelValues(channel, direction, result).Inc()
}
