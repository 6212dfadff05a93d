package telemetry

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// channelMetrics are one channel's metrics, looked up once: a lookup costs nine times as much as counting.
type channelMetrics struct {
	received, fenced, duplicates, unrouted, blank, opened, clockAhead prometheus.Counter

	pending                           prometheus.Gauge
	ended                             map[string]prometheus.Counter // by status
	offers                            map[string]prometheus.Counter // by outcome
	attemptDuration, endToEnd, answer prometheus.Histogram
}

// channelVectors are the metrics of all channels.
type channelVectors struct {
	received, fenced, duplicates, unrouted, blank, opened, clockAhead, ended, offers *prometheus.CounterVec

	pending                           *prometheus.GaugeVec
	attemptDuration, endToEnd, answer *prometheus.HistogramVec
}

// channelSet has the metrics of each channel that is or was configured. Only one goroutine may call add at a time.
type channelSet struct {
	vectors *channelVectors
	byName  atomic.Pointer[map[string]*channelMetrics]
}

func (b *builder) channels() *channelVectors {
	return &channelVectors{
		received:   b.counters("envelopes_received_total", "Envelopes accepted.", "channel"),
		fenced:     b.counters("fenced_total", "Envelopes refused because their sender was not the owner.", "channel"),
		duplicates: b.counters("duplicates_total", "Envelopes that a vendor sent again.", "channel"),
		unrouted:   b.counters("unrouted_total", "Envelopes without a conversation, rule or receiver.", "channel"),
		blank:      b.counters("blank_total", "Messages with only white space and invisible characters.", "channel"),
		opened: b.counters("conversations_opened_total", "Conversations that began, by the customer's channel.",
			"channel"),
		clockAhead: b.counters("vendor_clock_ahead_total",
			"Envelopes with a time more than two minutes ahead, which count as sent now.", "channel"),
		ended:           b.counters("deliveries_total", "Deliveries that ended, by status.", "channel", "status"),
		offers:          b.counters("offers_total", "Offers that ended, by outcome.", "channel", "outcome"),
		pending:         b.gauges("deliveries_pending", "Deliveries queued or in flight.", "channel"),
		attemptDuration: b.latencies("delivery_attempt_duration_seconds", "Time of one call to a vendor.", "channel"),
		endToEnd: b.latencies("end_to_end_duration_seconds", "Time from queueing a delivery to its receipt.",
			"channel"),
		answer: b.latencies("answer_duration_seconds",
			"Time from a customer's oldest message without an answer to the answer.", "channel"),
	}
}

// add adds the new channels. It returns the names of the known channels that are not in names.
func (s *channelSet) add(names []string) (others []string) {
	next := map[string]*channelMetrics{}
	if known := s.byName.Load(); known != nil {
		next = maps.Clone(*known)
	}
	for _, name := range names {
		if next[name] == nil {
			next[name] = s.vectors.of(name)
		}
	}
	s.byName.Store(&next)
	for name := range next {
		if !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	return others
}

func (v *channelVectors) of(name string) *channelMetrics {
	c := &channelMetrics{
		received: v.received.WithLabelValues(name), fenced: v.fenced.WithLabelValues(name),
		clockAhead: v.clockAhead.WithLabelValues(name), duplicates: v.duplicates.WithLabelValues(name),
		unrouted: v.unrouted.WithLabelValues(name), blank: v.blank.WithLabelValues(name),
		opened: v.opened.WithLabelValues(name), pending: v.pending.WithLabelValues(name),
		ended: map[string]prometheus.Counter{}, offers: map[string]prometheus.Counter{},
		attemptDuration: v.attemptDuration.WithLabelValues(name).(prometheus.Histogram),
		endToEnd:        v.endToEnd.WithLabelValues(name).(prometheus.Histogram),
		answer:          v.answer.WithLabelValues(name).(prometheus.Histogram),
	}
	for _, status := range endStatuses {
		c.ended[status] = v.ended.WithLabelValues(name, status)
	}
	for _, outcome := range offerOutcomes {
		c.offers[outcome] = v.offers.WithLabelValues(name, outcome)
	}
	return c
}

// channel returns the metrics of a channel, or nil if it was never configured.
func (m *Metrics) channel(name string) *channelMetrics { return (*m.channels.byName.Load())[name] }
