package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the adapter's own metrics. The channels of one process share them. Without a registry they are not
// exported.
type metrics struct {
	unparsed *prometheus.CounterVec // by the field that could not be parsed
	previous *prometheus.CounterVec // pushes that used the previous key or token
	files    *prometheus.CounterVec // by direction and result
	polls    *prometheus.CounterVec // by result
	polled   *prometheus.GaugeVec   // users
	unstored *prometheus.GaugeVec   // polled messages
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
		unparsed: counter("unparsed_total", "Messages stored as unparsed, by the field that could not be parsed.", "field"),
		previous: counter("previous_credential_total", "Pushes that used the previous push key or token."),
		files: counter("files_total", "Files sent to AICC (up) and read from AICC (down), by result (ok, failed).",
			"direction", "result"),
		polls:    counter("polls_total", "Polls by result (messages, empty, failed).", "result"),
		polled:   gauge("polled_users", "Users that the channel polls."),
		unstored: gauge("polled_messages_unstored", "Polled messages that are not stored yet. Polling resumes after they are stored."),
	}
}

func registered[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	if are, ok := errors.AsType[prometheus.AlreadyRegisteredError](reg.Register(c)); ok {
		if previous, ok := are.ExistingCollector.(C); ok {
			return previous
		}
	}
	return c
}

// parsedFields are the values of the label field. All other fields count as "other".
var parsedFields = map[string]bool{
	"from": true, "to": true, "controlType": true, "mediaType": true, "sourceType": true, "content": true, "timestamp": true,
	"isOfflineStatus": true,
}

// countUnparsed counts a message that could not be parsed because of field.
func (m *metrics) countUnparsed(channel, field string) {
	if !parsedFields[field] {
		field = "other"
	}
	m.unparsed.WithLabelValues(channel, field).Inc()
}

// countFile counts a file that was sent or read.
func (m *metrics) countFile(channel, direction string, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.files.WithLabelValues(channel, direction, result).Inc()
}
