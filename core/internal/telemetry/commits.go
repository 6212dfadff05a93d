package telemetry

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/writer"
)

// ClockAhead counts an envelope of a vendor whose clock is ahead.
func (m *Metrics) ClockAhead(channel string) {
	if c := m.channel(channel); c != nil {
		c.clockAhead.Inc()
	}
}

// Committed counts the changes of a stored record.
func (m *Metrics) Committed(c writer.Commit) {
	m.commitDuration.Observe(c.Took.Seconds())
	m.commitChanges.Observe(float64(len(c.Record.GetChanges())))
	m.commitBytes.Add(float64(c.Bytes))
	m.lag.Observe(c.Lag.Seconds())
	m.offers.Set(float64(c.Offers))
	m.departures.Set(float64(c.Departures))
	m.waiting.Set(float64(c.Waiting))
	for _, ch := range c.Record.GetChanges() {
		m.countChange(ch)
	}
}

func (m *Metrics) countChange(ch *journal.Change) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		m.conversations.Inc()
		if c := m.channel(k.Opened.GetChannel()); c != nil {
			c.opened.Inc()
		}
	case *journal.Change_Closing:
		m.conversations.Dec()
		m.closed[closedReason(k.Closing.GetRule())].Inc()
	case *journal.Change_OfferEnded:
		if c := m.channel(k.OfferEnded.GetTarget()); c != nil {
			count(c.offers, k.OfferEnded.GetOutcome())
		}
	case *journal.Change_Answered:
		if c := m.channel(k.Answered.GetChannel()); c != nil {
			c.answer.Observe(time.Duration(k.Answered.GetAfter()).Seconds())
		}
	case *journal.Change_Duplicate:
		if c := m.channel(k.Duplicate.GetChannel()); c != nil {
			c.duplicates.Inc()
		}
	case *journal.Change_Disposed:
		m.countDisposed(k.Disposed)
	case *journal.Change_Passed:
		m.handovers.WithLabelValues(k.Passed.GetOwner()).Inc()
	case *journal.Change_Routed:
		for _, r := range k.Routed.GetRules() {
			m.routeMatches.WithLabelValues(r).Inc()
		}
		for _, e := range k.Routed.GetErrors() {
			if rule, _, ok := strings.Cut(e, ":"); ok {
				m.routeErrors.WithLabelValues(rule).Inc()
			}
		}
	case *journal.Change_Queued:
		if c := m.channel(k.Queued.GetDelivery().GetChannel()); c != nil {
			c.pending.Inc()
		}
	case *journal.Change_Ended:
		m.countEnded(k.Ended)
	case *journal.Change_DeadLettered:
		m.deadLetters.WithLabelValues(k.DeadLettered.GetDelivery().GetChannel(), k.DeadLettered.GetError()).Inc()
	}
}

func (m *Metrics) countDisposed(d *journal.Disposed) {
	c := m.channel(d.GetChannel())
	if c == nil {
		return
	}
	switch d.GetStatus() {
	case state.StatusFenced:
		c.fenced.Inc()
	case state.StatusUnrouted:
		c.unrouted.Inc()
	case state.StatusBlank:
		c.blank.Inc()
	}
}

func (m *Metrics) countEnded(d *journal.Ended) {
	c := m.channel(d.GetChannel())
	if c == nil {
		return
	}
	c.pending.Dec()
	count(c.ended, d.GetStatus())
}

// count increments the counter of a label. It ignores unknown labels.
func count(counters map[string]prometheus.Counter, label string) {
	if n := counters[label]; n != nil {
		n.Inc()
	}
}

// Restored sets the gauges after a restart. The argument pending has the number of pending deliveries by channel.
func (m *Metrics) Restored(conversations int, pending map[string]int) {
	m.conversations.Set(float64(conversations))
	for name, n := range pending {
		if c := m.channel(name); c != nil {
			c.pending.Set(float64(n))
		}
	}
}
