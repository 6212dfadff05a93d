// Package telemetry provides the gateway's metrics and its logger.
//
// Metric names and labels are an interface for dashboards and alerts; testdata/metrics.golden lists them. Label values
// come from the configuration, from HTTP statuses and from closed lists such as the kinds of errors. They never contain
// a conversation, a message, an address or an error text. Callers of the logger must keep message text and secrets out
// of log lines.
package telemetry

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry returns a registry with the metrics of the process, the Go runtime and the build.
func NewRegistry(version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	b := &builder{r: r}
	info := b.gauges("build_info", "Version of the running gateway; always 1.", "version", "commit", "go_version")
	info.WithLabelValues(version, Commit(), runtime.Version()).Set(1)
	return r
}

// Commit returns the first 12 digits of the commit that the program was built from, or "unknown".
func Commit() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "unknown"
}
