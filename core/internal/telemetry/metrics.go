package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/state"
)

var sizeBuckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000}

// Metrics are the metrics of the ingress, the subscriptions, the writer and the lanes, and implement the observer of
// each. Its methods are safe for concurrent use.
type Metrics struct {
	channels      channelSet
	refused       *prometheus.CounterVec
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	routeMatches  *prometheus.CounterVec
	routeErrors   *prometheus.CounterVec
	handovers     *prometheus.CounterVec
	deadLetters   *prometheus.CounterVec
	attempts      *prometheus.CounterVec
	breaker       *prometheus.GaugeVec
	subscriptions *prometheus.GaugeVec

	conversations  prometheus.Gauge
	closed         map[string]prometheus.Counter // by reason
	offers         prometheus.Gauge
	departures     prometheus.Gauge
	waiting        prometheus.Gauge
	commitDuration prometheus.Histogram
	commitChanges  prometheus.Histogram
	commitBytes    prometheus.Counter
	lag            prometheus.Histogram
}

// endStatuses are the statuses with which deliveries end.
var endStatuses = []string{
	state.StatusDelivered, state.StatusDead, state.StatusMoved, state.StatusMerged, state.StatusDropped,
}

// offerOutcomes are the outcomes of an offer.
var offerOutcomes = []string{
	state.OfferAccepted, state.OfferDeclined, state.OfferExpired, state.OfferClosed, state.OfferUnreachable,
	state.OfferOutsideHours, state.OfferPaused, state.OfferWithdrawn,
}

// closedByRule is the reason for the end of a conversation by any rule.
const closedByRule = "rule"

func closedReason(reason string) string {
	if reason == state.ReasonCloseAfter || reason == state.ReasonOperator {
		return reason
	}
	return closedByRule
}

// NewMetrics registers all metrics. Counters of the given channels and routes start at zero.
func NewMetrics(r prometheus.Registerer, channels, routes []string) *Metrics {
	b := &builder{r: r}
	m := &Metrics{
		refused:       b.counters("http_requests_refused_total", "Webhook requests refused, by reason.", "adapter", "reason"),
		requests:      b.counters("http_requests_total", "Webhook requests, by HTTP status.", "adapter", "code"),
		duration:      b.latencies("http_request_duration_seconds", "Time to respond to a webhook request.", "adapter"),
		routeMatches:  b.counters("route_matches_total", "Matches of a routing rule.", "route"),
		routeErrors:   b.counters("route_errors_total", "Times that a rule failed or hit the bounce limit.", "route"),
		handovers:     b.counters("handovers_total", "Handovers of control, by new owner.", "channel"),
		deadLetters:   b.counters("dead_letters_total", "Deliveries given up, by kind of error.", "channel", "reason"),
		attempts:      b.counters("delivery_attempts_total", "Calls to vendors, by outcome.", "channel", "outcome"),
		breaker:       b.gauges("breaker_state", "Circuit breaker: 0 closed, 1 half open, 2 open.", "channel"),
		subscriptions: b.gauges("subscription_up", "Whether the channel's subscription works.", "channel"),

		conversations:  b.gauge("conversations", "Live conversations."),
		offers:         b.gauge("offers_pending", "Offers that have not ended yet."),
		departures:     b.gauge("departures_pending", "Departures of owners that have not taken effect yet."),
		waiting:        b.gauge("envelopes_pending", "Envelopes that wait for their thread or for a departure."),
		commitDuration: b.latency("commit_duration_seconds", "Time to store one record."),
		commitChanges:  b.histogram("commit_changes", "Number of changes in one record.", sizeBuckets),
		commitBytes:    b.counter("commit_bytes_total", "Size of all stored records."),
		lag:            b.latency("writer_lag_seconds", "Wait of a record's oldest input before the commit."),
	}
	m.channels.vectors = b.channels()
	closed := b.counters("conversations_closed_total", "Conversations that ended: by a rule, by close_after, or by an operator.", "reason")
	m.closed = map[string]prometheus.Counter{}
	for _, reason := range []string{closedByRule, state.ReasonCloseAfter, state.ReasonOperator} {
		m.closed[reason] = closed.WithLabelValues(reason)
	}
	m.Configure(channels, routes)
	return m
}

// Configure starts the counters of new channels and routes at zero. Those of removed ones are kept, without the states
// of their circuit breakers.
func (m *Metrics) Configure(channels, routes []string) {
	for _, name := range m.channels.add(channels) {
		m.breaker.DeleteLabelValues(name)
	}
	for _, name := range channels {
		m.handovers.WithLabelValues(name)
		m.breaker.WithLabelValues(name)
	}
	for _, name := range routes {
		m.routeMatches.WithLabelValues(name)
		m.routeErrors.WithLabelValues(name)
	}
}

// Received counts an accepted envelope.
func (m *Metrics) Received(channel string) {
	if c := m.channel(channel); c != nil {
		c.received.Inc()
	}
}

// Refused counts a refused request.
func (m *Metrics) Refused(adapter, reason string) { m.refused.WithLabelValues(adapter, reason).Inc() }

// Responded counts the response to a request.
func (m *Metrics) Responded(adapter string, status int, took time.Duration) {
	m.requests.WithLabelValues(adapter, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(adapter).Observe(took.Seconds())
}

// Attempted counts a call to a vendor. The argument age is the time since the delivery was queued.
func (m *Metrics) Attempted(channel, outcome string, took, age time.Duration) {
	m.attempts.WithLabelValues(channel, outcome).Inc()
	c := m.channel(channel)
	if c == nil {
		return
	}
	c.attemptDuration.Observe(took.Seconds())
	if outcome == state.StatusDelivered {
		c.endToEnd.Observe(age.Seconds())
	}
}

// Breaker sets the state of a channel's circuit breaker: closed, half-open or open.
func (m *Metrics) Breaker(channel, state string) {
	v := map[string]float64{"half-open": 1, "open": 2}[state]
	m.breaker.WithLabelValues(channel).Set(v)
}

// Subscribed sets whether a channel's subscription works.
func (m *Metrics) Subscribed(channel string, up bool) {
	v := 0.0
	if up {
		v = 1
	}
	m.subscriptions.WithLabelValues(channel).Set(v)
}

// Unsubscribed removes the metric of a channel that has no subscription any more.
func (m *Metrics) Unsubscribed(channel string) { m.subscriptions.DeleteLabelValues(channel) }
