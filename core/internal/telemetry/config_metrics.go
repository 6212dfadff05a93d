package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Results of a reload.
const (
	ReloadApplied = "applied" // the configuration is in force
	ReloadRefused = "refused" // the configuration has problems
	ReloadFailed  = "failed"  // it could not be put into force
)

// Config are the metrics of the configuration.
type Config struct {
	info       *prometheus.GaugeVec
	reloads    *prometheus.CounterVec
	successful prometheus.Gauge
	read       prometheus.Gauge
}

// NewConfig registers the metrics.
func NewConfig(r prometheus.Registerer) *Config {
	b := &builder{r: r}
	c := &Config{
		info: b.gauges("config_info", "Hash and revision of the configuration in force; always 1.", "hash", "revision"),
		reloads: b.counters("config_reloads_total", "Reloads of the configuration, by result: applied, refused, failed.",
			"result"),
		successful: b.gauge("config_last_reload_successful",
			"Whether the configuration that was read last is in force."),
		read: b.gauge("config_last_reload_success_timestamp_seconds",
			"Time at which the configuration in force was read."),
	}
	for _, result := range []string{ReloadApplied, ReloadRefused, ReloadFailed} {
		c.reloads.WithLabelValues(result)
	}
	return c
}

// Started records the configuration with which the gateway started. refused means that the file was refused and an
// earlier configuration is in force.
func (c *Config) Started(hash string, revision uint64, at time.Time, refused bool) {
	c.inForce(hash, revision, at)
	if refused {
		c.successful.Set(0)
	}
}

// Reloaded records a reload that put another revision into force.
func (c *Config) Reloaded(hash string, revision uint64, at time.Time) {
	c.reloads.WithLabelValues(ReloadApplied).Inc()
	c.inForce(hash, revision, at)
}

// NotReloaded records a reload without effect. result is ReloadRefused or ReloadFailed.
func (c *Config) NotReloaded(result string) {
	c.reloads.WithLabelValues(result).Inc()
	c.successful.Set(0)
}

func (c *Config) inForce(hash string, revision uint64, at time.Time) {
	c.info.Reset()
	c.info.WithLabelValues(hash, strconv.FormatUint(revision, 10)).Set(1)
	c.successful.Set(1)
	c.read.Set(float64(at.Unix()))
}
