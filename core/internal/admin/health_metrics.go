package admin

import "github.com/prometheus/client_golang/prometheus"

// condition is a collector of what /readyz says, and of what it will depend on next: the room of the store.
type condition struct {
	admin                           *Admin
	ready, bytes, cap, free, absent *prometheus.Desc
}

func newCondition(a *Admin) *condition {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc("patchbay_"+name, help, nil, nil) }
	return &condition{
		admin:  a,
		ready:  desc("ready", "1 if /readyz says 200: webhooks are taken."),
		bytes:  desc("store_bytes", "Room that the records take."),
		cap:    desc("store_cap_bytes", "Room that the records may take."),
		free:   desc("store_disk_free_bytes", "Room left on the disk of the store."),
		absent: desc("store_missing_records", "Records that were stored and can't be read any more."),
	}
}

// Describe implements prometheus.Collector.
func (c *condition) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.ready, c.bytes, c.cap, c.free, c.absent} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *condition) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	ready := 1.0
	for _, part := range c.admin.own() {
		if !part.ok {
			ready = 0
		}
	}
	bounds, health := c.admin.Log.Bounds(), c.admin.Log.Health()
	gauge(c.ready, ready)
	gauge(c.bytes, float64(bounds.Bytes))
	gauge(c.cap, float64(bounds.Cap))
	gauge(c.free, float64(health.Free))
	missing, _ := gaps(health.Missing)
	gauge(c.absent, float64(missing))
}
