package admin

import (
	"github.com/prometheus/client_golang/prometheus"
)

// healthMetrics collects the gateway's readiness, the space of its store and the availability of its channels.
type healthMetrics struct {
	admin                                      *Admin
	ready, size, capacity, limit, free, missed *prometheus.Desc
	available                                  *prometheus.Desc // by channel
}

func newHealthMetrics(a *Admin) *healthMetrics {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc("patchbay_"+name, help, nil, nil) }
	return &healthMetrics{
		admin:    a,
		ready:    desc("ready", "Whether the gateway accepts webhooks; the same as /readyz."),
		size:     desc("store_bytes", "Size of the stored records."),
		capacity: desc("store_cap_bytes", "Configured size of the stored records (store.cap)."),
		limit:    desc("store_limit_bytes", "Size of the stored records above which webhooks get 503."),
		free:     desc("store_disk_free_bytes", "Free space on the disk of the store."),
		missed:   desc("store_missing_records", "Stored records that the disk has lost."),
		available: prometheus.NewDesc("patchbay_channel_available", "Whether the channel's adapter accepts calls for it.",
			[]string{"adapter", "channel"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *healthMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.ready, m.size, m.capacity, m.limit, m.free, m.missed, m.available} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *healthMetrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	ready := 1.0
	for _, c := range m.admin.requiredChecks() {
		if !c.ok {
			ready = 0
		}
	}
	bounds, health := m.admin.Log.Bounds(), m.admin.Log.Health()
	gauge(m.ready, ready)
	gauge(m.size, float64(bounds.Bytes))
	gauge(m.capacity, float64(bounds.Cap))
	gauge(m.limit, float64(health.Limit))
	gauge(m.free, float64(health.Free))
	missing, _ := missingRecords(health.Missing)
	gauge(m.missed, float64(missing))
	running := m.admin.Running()
	for i := range running.Config.Channels {
		name, adapter, up := running.Config.Channels[i].Name, running.Config.Channels[i].Adapter, 0.0
		if running.acceptsCalls(name, adapter) {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(m.available, prometheus.GaugeValue, up, adapter, name)
	}
}

// acceptsCalls reports whether the adapter accepts calls for the channel.
func (r *Running) acceptsCalls(channel, adapter string) bool {
	h := r.Hosts[adapter]
	return r.Unavailable[channel] == "" && h != nil && h.Status().AcceptsCalls() && h.Serves(channel)
}
