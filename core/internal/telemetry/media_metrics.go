package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/media"
)

// Media are the metrics of the media store. It implements media.Observer.
type Media struct {
	fetched *prometheus.CounterVec
	served  *prometheus.CounterVec
	bytes   prometheus.Gauge
	items   prometheus.Gauge
}

var _ media.Observer = (*Media)(nil)

// NewMedia registers the metrics and starts each channel's counters at zero.
func NewMedia(r prometheus.Registerer, channels []string) *Media {
	b := &builder{r: r}
	m := &Media{
		fetched: b.counters("media_fetched_total", "Media fetched from vendors, by result.", "channel", "result"),
		served:  b.counters("media_served_total", "Requests for media links, by HTTP status.", "code"),
		bytes:   b.gauge("media_bytes", "Size of the stored media."),
		items:   b.gauge("media_items", "Number of stored media."),
	}
	for _, name := range channels {
		for _, result := range media.Results {
			m.fetched.WithLabelValues(name, result)
		}
	}
	return m
}

// Fetched implements media.Observer.
func (m *Media) Fetched(channel, result string) { m.fetched.WithLabelValues(channel, result).Inc() }

// Served implements media.Observer.
func (m *Media) Served(status int) { m.served.WithLabelValues(strconv.Itoa(status)).Inc() }

// Stored implements media.Observer.
func (m *Media) Stored(bytes int64, items int) {
	m.bytes.Set(float64(bytes))
	m.items.Set(float64(items))
}
