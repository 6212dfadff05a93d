package admin

import "github.com/prometheus/client_golang/prometheus"

// laneMetrics collects the state of the channels' calls.
type laneMetrics struct {
	admin                          *Admin
	inFlight, limit, pause, paused *prometheus.Desc
}

func newLaneMetrics(a *Admin) *laneMetrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("patchbay_"+name, help, []string{"channel"}, nil)
	}
	return &laneMetrics{
		admin:    a,
		inFlight: desc("delivery_calls_in_flight", "Calls to vendors in flight."),
		limit:    desc("delivery_calls_limit", "Maximum number of calls to vendors in flight."),
		pause:    desc("delivery_pause_seconds", "Rest of the pause that the vendor asked for."),
		paused:   desc("channel_paused", "Whether an operator paused the channel."),
	}
}

// Describe implements prometheus.Collector.
func (m *laneMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.inFlight
	ch <- m.limit
	ch <- m.pause
	ch <- m.paused
}

// Collect implements prometheus.Collector.
func (m *laneMetrics) Collect(ch chan<- prometheus.Metric) {
	channels := m.admin.Running().Config.Channels
	for i := range channels {
		c := &channels[i]
		s := m.admin.Lanes.State(c.Name)
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, c.Name)
		}
		gauge(m.inFlight, float64(s.InFlight))
		gauge(m.limit, float64(c.Delivery.Concurrency))
		gauge(m.pause, s.Pause.Seconds())
		paused := 0.0
		if s.Paused {
			paused = 1
		}
		gauge(m.paused, paused)
	}
}
