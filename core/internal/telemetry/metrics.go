package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/writer"
)

var latency = []float64{.001, .0025, .005, .01, .02, .04, .08, .16, .32, .64, 1.25, 2.5, 5, 10, 30, 60, 300, 900}

// Metrics are the gateway's metrics beside those of its adapters' processes. It observes the writer, the lanes
// and the ingress; its methods are safe for concurrent use.
type Metrics struct {
	channels map[string]*channelMetrics
	rejected *prometheus.CounterVec
	matches  *prometheus.CounterVec
	errors   *prometheus.CounterVec
	moves    *prometheus.CounterVec
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	dead     *prometheus.CounterVec
	attempts *prometheus.CounterVec
	breaker  *prometheus.GaugeVec
	listens  *prometheus.GaugeVec

	conversations prometheus.Gauge
	offers        prometheus.Gauge
	commitSeconds prometheus.Histogram
	commitRecords prometheus.Histogram
	lag           prometheus.Histogram
	commitBytes   prometheus.Counter
}

// channelMetrics are kept children: looking them up costs nine times as much as counting.
type channelMetrics struct {
	received, stale, duplicates, unrouted prometheus.Counter
	queued                                prometheus.Gauge
	results                               map[string]prometheus.Counter
	seconds, endToEnd                     prometheus.Histogram
}

var results = []string{
	conversation.StatusDelivered, conversation.StatusDead, conversation.StatusMoved, conversation.StatusDropped,
	conversation.StatusFenced, conversation.StatusMerged,
}

// NewMetrics registers everything, with the label values that the configuration makes known set to zero.
func NewMetrics(r prometheus.Registerer, channels, routes []string) *Metrics {
	b := &builder{r: r}
	m := &Metrics{
		channels: map[string]*channelMetrics{},
		rejected: b.counters("messages_rejected_total", "Webhook calls refused, by adapter and reason.", "adapter", "reason"),
		matches:  b.counters("route_matches_total", "Matches of a rule.", "route"),
		errors:   b.counters("route_errors_total", "Rules that failed or were held back, by event.", "event"),
		moves:    b.counters("handovers_total", "Moves of control, by the channel that got it.", "channel"),
		requests: b.counters("http_requests_total", "Webhook calls answered, by adapter and status.", "handler", "code"),
		duration: b.histograms("http_request_duration_seconds", "Time to answer a webhook call.", latency, "handler"),
		dead:     b.counters("dead_letters_total", "Deliveries given up, by channel and kind of error.", "channel", "reason"),
		attempts: b.counters("delivery_attempts_total", "Calls to vendors, by outcome.", "channel", "outcome"),
		breaker:  b.gauges("breaker_state", "Circuit breaker of the channel: 0 closed, 1 half open, 2 open.", "channel"),
		listens:  b.gauges("listener_up", "Whether the channel's adapter listens now, of channels that do.", "channel"),

		conversations: b.gauge("conversations", "Live conversations."),
		offers:        b.gauge("offers_pending", "Conversations that wait for a channel to accept them."),
		commitSeconds: b.histogram("commit_seconds", "Time to store one record.", latency),
		commitRecords: b.histogram("commit_records", "Changes in one record.", []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000}),
		lag:           b.histogram("writer_lag_seconds", "How long the oldest input of a record had waited for the writer.", latency),
		commitBytes:   b.counter("commit_bytes_total", "Bytes of records stored."),
	}
	received := b.counters("messages_received_total", "Envelopes accepted.", "channel")
	stale := b.counters("stale_answers_total", "Envelopes kept from the customer by the fence.", "channel")
	unrouted := b.counters("unrouted_total", "Envelopes that nobody was there to take, unknown threads among them.", "channel")
	duplicates := b.counters("duplicates_total", "Envelopes that a vendor repeated.", "channel")
	queued := b.gauges("queue_messages", "Deliveries that wait or are in flight.", "channel")
	ended := b.counters("deliveries_total", "Deliveries that came to an end, by result.", "channel", "result")
	seconds := b.histograms("delivery_duration_seconds", "Time of one call to a vendor.", latency, "channel")
	endToEnd := b.histograms("end_to_end_duration_seconds", "Time from acceptance to the vendor's receipt.", latency, "channel")
	for _, name := range channels {
		c := &channelMetrics{
			received: received.WithLabelValues(name), stale: stale.WithLabelValues(name),
			duplicates: duplicates.WithLabelValues(name), unrouted: unrouted.WithLabelValues(name),
			queued: queued.WithLabelValues(name), seconds: seconds.WithLabelValues(name).(prometheus.Histogram),
			endToEnd: endToEnd.WithLabelValues(name).(prometheus.Histogram), results: map[string]prometheus.Counter{},
		}
		for _, res := range results {
			c.results[res] = ended.WithLabelValues(name, res)
		}
		m.channels[name] = c
		m.moves.WithLabelValues(name)
		m.breaker.WithLabelValues(name)
	}
	for _, name := range routes {
		m.matches.WithLabelValues(name)
	}
	return m
}

// Loaded tells which configuration is in force.
func Loaded(r prometheus.Registerer, hash string, at time.Time) {
	b := &builder{r: r}
	b.gauges("config_info", "The configuration in force, by hash of its file; always 1.", "hash").WithLabelValues(hash).Set(1)
	b.gauge("config_last_reload_successful", "Whether the last configuration that was read is in force.").Set(1)
	b.gauge("config_last_reload_success_timestamp_seconds", "When the configuration in force was read.").Set(float64(at.Unix()))
}

// Received counts an accepted envelope.
func (m *Metrics) Received(channel string) {
	if c := m.channels[channel]; c != nil {
		c.received.Inc()
	}
}

// Rejected counts a refused call.
func (m *Metrics) Rejected(adapter, reason string) { m.rejected.WithLabelValues(adapter, reason).Inc() }

// Answered counts an answered call.
func (m *Metrics) Answered(adapter string, status int, took time.Duration) {
	m.requests.WithLabelValues(adapter, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(adapter).Observe(took.Seconds())
}

// Attempted counts a call to a vendor.
func (m *Metrics) Attempted(channel, result string, took, age time.Duration) {
	m.attempts.WithLabelValues(channel, result).Inc()
	c := m.channels[channel]
	if c == nil {
		return
	}
	c.seconds.Observe(took.Seconds())
	if result == conversation.StatusDelivered {
		c.endToEnd.Observe(age.Seconds())
	}
}

// Breaker notes a breaker's state.
func (m *Metrics) Breaker(channel, state string) {
	v := map[string]float64{"half-open": 1, "open": 2}[state]
	m.breaker.WithLabelValues(channel).Set(v)
}

// Listening notes whether a channel's adapter listens.
func (m *Metrics) Listening(channel string, up bool) {
	v := 0.0
	if up {
		v = 1
	}
	m.listens.WithLabelValues(channel).Set(v)
}

// Committed counts what a record says.
func (m *Metrics) Committed(c writer.Commit) {
	m.commitSeconds.Observe(c.Took.Seconds())
	m.commitRecords.Observe(float64(len(c.Record.GetChanges())))
	m.lag.Observe(c.Lag.Seconds())
	m.commitBytes.Add(float64(c.Bytes))
	m.offers.Set(float64(c.Pending))
	for _, ch := range c.Record.GetChanges() {
		m.change(ch)
	}
}

func (m *Metrics) change(ch *journal.Change) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		m.conversations.Inc()
	case *journal.Change_Closing:
		m.conversations.Dec()
	case *journal.Change_Closed:
		if k.Closed.GetReason() != conversation.ReasonArchived { // else it was counted when it was closed
			m.conversations.Dec()
		}
	case *journal.Change_Duplicate:
		if c := m.channels[k.Duplicate.GetChannel()]; c != nil {
			c.duplicates.Inc()
		}
	case *journal.Change_Disposed:
		m.disposed(k.Disposed)
	case *journal.Change_Passed:
		m.moves.WithLabelValues(k.Passed.GetOwner()).Inc()
	case *journal.Change_Routed:
		for _, r := range k.Routed.GetRules() {
			m.matches.WithLabelValues(r).Inc()
		}
		m.errors.WithLabelValues(k.Routed.GetEvent()).Add(float64(len(k.Routed.GetErrors())))
	case *journal.Change_Queued:
		if c := m.channels[k.Queued.GetDelivery().GetChannel()]; c != nil {
			c.queued.Inc()
		}
	case *journal.Change_Ended:
		if c := m.channels[k.Ended.GetChannel()]; c != nil {
			c.queued.Dec()
			if r := c.results[k.Ended.GetStatus()]; r != nil {
				r.Inc()
			}
		}
	case *journal.Change_DeadLettered:
		m.dead.WithLabelValues(k.DeadLettered.GetDelivery().GetChannel(), k.DeadLettered.GetError()).Inc()
	}
}

func (m *Metrics) disposed(d *journal.Disposed) {
	c := m.channels[d.GetChannel()]
	if c == nil {
		return
	}
	switch d.GetStatus() {
	case conversation.StatusFenced:
		c.stale.Inc()
	case conversation.StatusUnrouted:
		c.unrouted.Inc()
	}
}

// Restored sets what a restart has found: live conversations, and deliveries that wait, by channel.
func (m *Metrics) Restored(conversations int, queued map[string]int) {
	m.conversations.Set(float64(conversations))
	for name, n := range queued {
		if c := m.channels[name]; c != nil {
			c.queued.Set(float64(n))
		}
	}
}
