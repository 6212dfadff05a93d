package admin

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// backlogInterval is the minimum time between two scans of the state, which run on the writer's loop.
const backlogInterval = 10 * time.Second

// backlogMetrics collects ages and counts that need a scan of all conversations.
type backlogMetrics struct {
	admin       *Admin
	waiting     *prometheus.Desc
	unanswered  *prometheus.Desc
	oldest      *prometheus.Desc
	deadLetters *prometheus.Desc

	mu        sync.Mutex
	scannedAt time.Time
	backlog   backlog
	failed    bool
}

type backlog struct {
	waiting         map[string]int       // customers without an answer, by the channel that they wait for
	unansweredSince map[string]time.Time // by the same channel
	oldestPending   map[string]time.Time // by channel
	deadLetters     map[state.DeadLetterClass]int
}

func newBacklogMetrics(a *Admin) *backlogMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("patchbay_"+name, help, labels, nil)
	}
	return &backlogMetrics{
		admin: a,
		waiting: desc("customers_waiting", "Customers without an answer, by the channel that they wait for.", "channel",
			"role"),
		unanswered: desc("oldest_unanswered_message_age_seconds",
			"Age of the oldest customer message without an answer, by the channel that the customer waits for.", "channel"),
		oldest: desc("oldest_pending_delivery_age_seconds", "Age of the oldest delivery queued or in flight.",
			"channel"),
		deadLetters: desc("dead_letters", "Number of stored dead letters, by kind of error.", "channel", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (m *backlogMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.waiting
	ch <- m.unanswered
	ch <- m.oldest
	ch <- m.deadLetters
}

// Collect implements prometheus.Collector.
func (m *backlogMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.admin.Now()
	if now.Sub(m.scannedAt) >= backlogInterval {
		m.scan()
		m.scannedAt = now
	}
	if m.failed {
		return
	}
	age := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return now.Sub(t).Seconds()
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	channels := m.admin.Running().Config.Channels
	for i := range channels {
		c := &channels[i]
		gauge(m.oldest, age(m.backlog.oldestPending[c.Name]), c.Name)
		if c.Role != envelope.RoleCustomer {
			gauge(m.waiting, float64(m.backlog.waiting[c.Name]), c.Name, string(c.Role))
			gauge(m.unanswered, age(m.backlog.unansweredSince[c.Name]), c.Name)
		}
	}
	for class, n := range m.backlog.deadLetters {
		gauge(m.deadLetters, float64(n), class.Channel, class.Error)
	}
}

func (m *backlogMetrics) scan() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	b := backlog{
		waiting: map[string]int{}, unansweredSince: map[string]time.Time{}, oldestPending: map[string]time.Time{},
	}
	err := m.admin.Writer.View(ctx, func(s *state.State) {
		s.EachUnanswered(func(channel string, since time.Time) {
			b.waiting[channel]++
			earliest(b.unansweredSince, channel, since)
		})
		s.EachBusy(func(c *state.Conversation) {
			for i := range c.Lanes {
				earliest(b.oldestPending, c.Lanes[i].Channel, c.Lanes[i].Queue[0].QueuedAt)
			}
		})
		b.deadLetters = s.CountDeadLetters()
	})
	m.failed = err != nil
	if err == nil {
		m.backlog = b
	}
}

func earliest(m map[string]time.Time, channel string, at time.Time) {
	if oldest, ok := m[channel]; !ok || at.Before(oldest) {
		m[channel] = at
	}
}
