package plugin

import (
	"context"
	"fmt"

	"patchbay/sdk/protocol/pluginpb"
)

// CollectMetrics returns the metrics of the adapter's own, in Prometheus' text format. It does not wait for a process:
// without one that takes calls it fails with [ErrNotReady].
func (h *Host) CollectMetrics(ctx context.Context) ([]byte, error) {
	s := h.session.Load()
	if s == nil {
		return nil, fmt.Errorf("collect metrics of %s: %w", h.opts.Name, ErrNotReady)
	}
	resp, err := s.rpc.CollectMetrics(ctx, &pluginpb.CollectMetricsRequest{})
	if err != nil {
		return nil, fmt.Errorf("collect metrics of %s: %w", h.opts.Name, err)
	}
	return resp.GetText(), nil
}
