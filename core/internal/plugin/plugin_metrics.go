package plugin

import (
	"context"
	"fmt"

	"patchbay/sdk/protocol/pluginpb"
)

// CollectMetrics returns the adapter's own metrics in Prometheus text format. It does not wait for a process: it fails
// with ErrNotReady if none accepts calls.
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
