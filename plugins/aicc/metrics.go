package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
)

// metrics are the adapter's metrics. The channels of one process share them.
type metrics struct {
	unparsed *prometheus.CounterVec // by the field that could not be parsed
	previous *prometheus.CounterVec // pushes that used the previous key or token
	files    *prometheus.CounterVec // by direction and result
	polls    *prometheus.CounterVec // by result
	polled   *prometheus.GaugeVec   // users
	unstored *prometheus.GaugeVec   // polled messages
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	const prefix = "patchbay_plugin_aicc_"
	var errs []error
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		opts := prometheus.CounterOpts{Name: prefix + name, Help: help}
		labels = append([]string{"channel"}, labels...)
		c, err := sdk.RegisterCollector(registry, prometheus.NewCounterVec(opts, labels))
		errs = append(errs, err)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		opts := prometheus.GaugeOpts{Name: prefix + name, Help: help}
		g, err := sdk.RegisterCollector(registry, prometheus.NewGaugeVec(opts, []string{"channel"}))
		errs = append(errs, err)
		return g
	}
	m := &metrics{
		unparsed: counter("unparsed_total", "Messages stored as unparsed, by the field that could not be parsed.", "field"),
		previous: counter("previous_credential_total", "Pushes that used the previous push key or token."),
		files: counter("files_total", "Files sent to AICC (up) and read from AICC (down), by result (ok, failed).",
			"direction", "result"),
		polls:    counter("polls_total", "Polls by result (messages, empty, failed).", "result"),
		polled:   gauge("polled_users", "Users that the channel polls."),
		unstored: gauge("polled_messages_unstored", "Polled messages that are not stored yet. Polling waits for them."),
	}
	return m, errors.Join(errs...)
}

// parsedFields are the values of the label field. All other fields count as "other".
var parsedFields = map[string]bool{
	"from": true, "to": true, "controlType": true, "mediaType": true, "sourceType": true, "content": true,
	"timestamp": true, "isOfflineStatus": true,
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
