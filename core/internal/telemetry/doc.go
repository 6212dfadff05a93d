// Package telemetry is how the gateway tells what it does: metrics on a registry of its own, and logs.
//
// Metric names and labels are an interface: a golden list in the tests holds them. The values of labels are names from
// the configuration, HTTP statuses, and words of closed lists such as the kinds of errors; there is never a
// conversation, a message, an address or an error text among them. No log line has message text or a secret in it: that is
// for those who log to keep.
package telemetry

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry returns a registry with the process's and the runtime's own metrics.
func NewRegistry(version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "patchbay_build_info", Help: "The running program; always 1.",
	}, []string{"version", "commit", "go_version"})
	info.WithLabelValues(version, Commit(), runtime.Version()).Set(1)
	r.MustRegister(info)
	return r
}

// Commit returns the revision that the program was built from, or "unknown".
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
