package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/media"
)

// Media are the metrics of the media that are kept while they travel. It is a media.Observer.
type Media struct {
	fetched *prometheus.CounterVec
	served  *prometheus.CounterVec
	bytes   prometheus.Gauge
	items   prometheus.Gauge
}

var _ media.Observer = (*Media)(nil)

// NewMedia registers the metrics, with the label values that the configuration makes known set to zero.
func NewMedia(r prometheus.Registerer, channels []string) *Media {
	b := &builder{r: r}
	m := &Media{
		fetched: b.counters("media_fetched_total", "Media read at a vendor, by the channel that they came in on and result.", "channel", "result"),
		served:  b.counters("media_served_total", "Requests for links to media, by status.", "code"),
		bytes:   b.gauge("media_bytes", "Room that the media on disk take."),
		items:   b.gauge("media_items", "Media on disk."),
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
