package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// metrics are the adapter's metrics. They count a repeated webhook call again, because the gateway recognizes repeats
// later. The channels of one process share them.
type metrics struct {
	unparsed *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	credits  *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	var errs []error
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		opts := prometheus.CounterOpts{Name: "patchbay_plugin_botwebhook_" + name, Help: help}
		c, err := sdk.RegisterCollector(registry, prometheus.NewCounterVec(opts, labels))
		errs = append(errs, err)
		return c
	}
	m := &metrics{
		unparsed: counter("unparsed_total", "Authenticated webhook calls and answers stored as unparsed.", "channel"),
		tokens:   counter("tokens_total", "Tokens that GPTBots reports for answers, by use (prompt, completion).", "channel", "use"),
		credits:  counter("credits_total", "Credits that GPTBots reports for answers.", "channel"),
	}
	return m, errors.Join(errs...)
}

// count counts one call or answer.
func (m *metrics) count(e *envelope.Envelope, u usage) {
	if e.Kind == envelope.KindUnparsed {
		m.unparsed.WithLabelValues(e.Channel).Inc()
	}
	if u.Prompt > 0 {
		m.tokens.WithLabelValues(e.Channel, "prompt").Add(u.Prompt)
	}
	if u.Completion > 0 {
		m.tokens.WithLabelValues(e.Channel, "completion").Add(u.Completion)
	}
	if u.Credits > 0 {
		m.credits.WithLabelValues(e.Channel).Add(u.Credits)
	}
}
