package admin

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/state"
)

// backlogInterval is the minimum time between two scans of the state, which run on the writer's loop.
const backlogInterval = 10 * time.Second

// backlogMetrics collects ages and counts that need a scan of all conversations.
type backlogMetrics struct {
	admin       *Admin
	unanswered  *prometheus.Desc
	oldest      *prometheus.Desc
	deadLetters *prometheus.Desc

	mu        sync.Mutex
	scannedAt time.Time
	backlog   backlog
	failed    bool
}

type backlog struct {
	unansweredSince time.Time
	oldestPending   map[string]time.Time // by channel
	deadLetters     map[state.DeadLetterClass]int
}

func newBacklogMetrics(a *Admin) *backlogMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("patchbay_"+name, help, labels, nil)
	}
	return &backlogMetrics{
		admin:       a,
		unanswered:  desc("oldest_unanswered_message_age_seconds", "Age of the oldest customer message without an answer."),
		oldest:      desc("oldest_pending_delivery_age_seconds", "Age of the oldest delivery queued or in flight.", "channel"),
		deadLetters: desc("dead_letters", "Number of stored dead letters, by kind of error.", "channel", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (m *backlogMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.unanswered
	ch <- m.oldest
	ch <- m.deadLetters
}

// Collect implements prometheus.Collector.
func (m *backlogMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
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
	ch <- prometheus.MustNewConstMetric(m.unanswered, prometheus.GaugeValue, age(m.backlog.unansweredSince))
	for i := range m.admin.Config.Channels {
		name := m.admin.Config.Channels[i].Name
		ch <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, age(m.backlog.oldestPending[name]), name)
	}
	for class, n := range m.backlog.deadLetters {
		ch <- prometheus.MustNewConstMetric(m.deadLetters, prometheus.GaugeValue, float64(n), class.Channel, class.Error)
	}
}

func (m *backlogMetrics) scan() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	b := backlog{oldestPending: map[string]time.Time{}}
	err := m.admin.Writer.View(ctx, func(s *state.State) {
		s.All(func(c *state.Conversation) bool {
			b.add(c)
			return true
		})
		b.deadLetters = s.CountDeadLetters()
	})
	m.failed = err != nil
	if err == nil {
		m.backlog = b
	}
}

func (b *backlog) add(c *state.Conversation) {
	if t := c.UnansweredSince; !t.IsZero() && (b.unansweredSince.IsZero() || t.Before(b.unansweredSince)) {
		b.unansweredSince = t
	}
	for i := range c.Lanes {
		ch, at := c.Lanes[i].Channel, c.Lanes[i].Queue[0].QueuedAt
		if oldest, ok := b.oldestPending[ch]; !ok || at.Before(oldest) {
			b.oldestPending[ch] = at
		}
	}
}
