package main

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk/envelope"
)

// metrics are the adapter's own; all channels of a process share them. A webhook call that the vendor repeats counts
// again, since the gateway finds out later that it is a repetition.
type metrics struct {
	unparsed *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	credits  *prometheus.CounterVec
}

// newMetrics registers the metrics, or finds those that are registered. A nil registry leaves them unregistered.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		unparsed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "patchbay_plugin_botwebhook_unparsed_total",
			Help: "Webhook calls and answers of GPTBots that were verified and not understood.",
		}, []string{"channel"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "patchbay_plugin_botwebhook_tokens_total",
			Help: "Tokens that GPTBots reports as used for answers, by use: prompt or completion.",
		}, []string{"channel", "use"}),
		credits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "patchbay_plugin_botwebhook_credits_total",
			Help: "Credits that GPTBots reports as used for answers.",
		}, []string{"channel"}),
	}
	if r == nil {
		return m, nil
	}
	for _, v := range []**prometheus.CounterVec{&m.unparsed, &m.tokens, &m.credits} {
		err := r.Register(*v)
		if twice, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
			known, same := twice.ExistingCollector.(*prometheus.CounterVec)
			if !same {
				return nil, fmt.Errorf("register metrics: %w", err)
			}
			*v, err = known, nil
		}
		if err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// count notes what came of one call or answer.
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
