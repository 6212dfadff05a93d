package serve

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk/protocol/pluginpb"
)

// Metrics for the leak detection of the conformance suite: the number of goroutines, and the live heap after the last
// garbage collection in bytes. The gateway does not export them.
const (
	goroutines = "go_goroutines"
	liveHeap   = "go_gc_heap_live_bytes"
)

// CollectMetrics implements pluginpb.PluginServiceServer.
func (s *service) CollectMetrics(
	context.Context, *pluginpb.CollectMetricsRequest,
) (*pluginpb.CollectMetricsResponse, error) {
	families, err := s.registry.Gather()
	if err != nil {
		return nil, status.Error(codes.Internal, "gather metrics: "+err.Error())
	}
	var b bytes.Buffer
	enc := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return nil, status.Error(codes.Internal, "encode metrics: "+err.Error())
		}
	}
	has := func(name string) bool {
		return slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	}
	if !has(goroutines) {
		fmt.Fprintf(&b, "# TYPE %s gauge\n%s %d\n", goroutines, goroutines, runtime.NumGoroutine())
	}
	if live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}; !has(liveHeap) {
		metrics.Read(live)
		fmt.Fprintf(&b, "# TYPE %s gauge\n%s %d\n", liveHeap, liveHeap, live[0].Value.Uint64())
	}
	return &pluginpb.CollectMetricsResponse{Text: b.Bytes()}, nil
}
