package admin

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/conversation"
)

// scanEvery bounds how often the state is looked through for ages: the look runs on the writer's loop.
const scanEvery = 10 * time.Second

// scan is a collector of ages, which only a look at all conversations gives.
type scan struct {
	admin      *Admin
	unanswered *prometheus.Desc
	oldest     *prometheus.Desc
	dead       *prometheus.Desc

	mu     sync.Mutex
	at     time.Time
	found  found
	failed bool
}

type found struct {
	unanswered time.Time
	oldest     map[string]time.Time
	dead       map[conversation.DeadLetterClass]int
}

func newScan(a *Admin) *scan {
	return &scan{
		admin:      a,
		unanswered: prometheus.NewDesc("patchbay_oldest_unanswered_message_age_seconds", "Age of the oldest customer message without an answer.", nil, nil),
		oldest:     prometheus.NewDesc("patchbay_oldest_pending_delivery_age_seconds", "Age of the oldest delivery that waits or is in flight.", []string{"channel"}, nil),
		dead:       prometheus.NewDesc("patchbay_dead_letters", "Dead letters that are kept.", []string{"channel", "reason"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (s *scan) Describe(ch chan<- *prometheus.Desc) { ch <- s.unanswered; ch <- s.oldest; ch <- s.dead }

// Collect implements prometheus.Collector.
func (s *scan) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.at) >= scanEvery {
		s.look()
		s.at = now
	}
	if s.failed {
		return
	}
	age := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return now.Sub(t).Seconds()
	}
	ch <- prometheus.MustNewConstMetric(s.unanswered, prometheus.GaugeValue, age(s.found.unanswered))
	for i := range s.admin.Config.Channels {
		name := s.admin.Config.Channels[i].Name
		ch <- prometheus.MustNewConstMetric(s.oldest, prometheus.GaugeValue, age(s.found.oldest[name]), name)
	}
	for k, n := range s.found.dead {
		ch <- prometheus.MustNewConstMetric(s.dead, prometheus.GaugeValue, float64(n), k.Channel, k.Error)
	}
}

func (s *scan) look() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	f := found{oldest: map[string]time.Time{}}
	err := s.admin.Writer.View(ctx, func(b *conversation.State) {
		b.All(func(c *conversation.Conversation) bool {
			if !c.UnansweredSince.IsZero() && (f.unanswered.IsZero() || c.UnansweredSince.Before(f.unanswered)) {
				f.unanswered = c.UnansweredSince
			}
			for i := range c.Lanes {
				ch, at := c.Lanes[i].Channel, c.Lanes[i].Queue[0].QueuedAt
				if old, ok := f.oldest[ch]; !ok || at.Before(old) {
					f.oldest[ch] = at
				}
			}
			return true
		})
		f.dead = b.CountDeadLetters()
	})
	s.failed = err != nil
	if err == nil {
		s.found = f
	}
}
