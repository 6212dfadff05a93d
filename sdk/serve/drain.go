package serve

import (
	"context"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Cancel implements pluginpb.PluginServiceServer.
func (s *service) Cancel(_ context.Context, req *pluginpb.CancelRequest) (*pluginpb.CancelResponse, error) {
	s.calls.cancel(callReceive, req.GetReceive())
	s.calls.cancel(callDeliver, req.GetDeliver())
	s.calls.cancel(callFetch, req.GetFetch())
	return &pluginpb.CancelResponse{}, nil
}

// Drain implements pluginpb.PluginServiceServer.
func (s *service) Drain(ctx context.Context, req *pluginpb.DrainRequest) (*pluginpb.DrainResponse, error) {
	if d := req.GetTimeout().AsDuration(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return &pluginpb.DrainResponse{Running: int32(s.drain(ctx))}, nil
}

// drain refuses new calls, and waits for running calls, for subscriptions and then for the adapter's own work. It
// returns the number of calls and subscriptions that still run when ctx ends, or 0.
func (s *service) drain(ctx context.Context) int {
	unsubscribed := make(chan struct{})
	go func() { defer close(unsubscribed); s.subscriptions.stop(ctx) }()
	s.calls.drain(ctx)
	<-unsubscribed
	if d, ok := s.adapter.(sdk.Drainer); ok {
		if err := s.catchPanic("drain", func() error { return d.Drain(ctx) }); err != nil {
			s.log.Warn("drain failed", "error", oneLine(err.Error()))
		}
	}
	return s.calls.count() + s.subscriptions.count()
}

// stop drains, cancels the calls that still run and ends the streams after their last result.
func (s *service) stop(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s.drain(ctx)
	s.stopOnce.Do(func() { close(s.stopped) })
}
