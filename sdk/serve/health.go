package serve

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// healthInterval is the time between calls of Health, and healthTimeout the limit of each call.
const (
	healthInterval = 5 * time.Second
	healthTimeout  = time.Second
)

// WatchHealth implements pluginpb.PluginServiceServer.
func (s *service) WatchHealth(_ *pluginpb.WatchHealthRequest, stream pluginpb.PluginService_WatchHealthServer) error {
	ctx := stream.Context()
	t := time.NewTicker(healthInterval)
	defer t.Stop()
	var last *pluginpb.WatchHealthResponse
	for {
		state := &pluginpb.WatchHealthResponse{Unhealthy: s.unhealthy(ctx)}
		if last == nil || !proto.Equal(state, last) {
			if err := stream.Send(state); err != nil {
				return err
			}
			last = state
		}
		select {
		case <-t.C:
		case <-s.stopped:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unhealthy returns the unhealthy channels, sorted by name.
func (s *service) unhealthy(ctx context.Context) []*pluginpb.ChannelHealth {
	checker, ok := s.adapter.(sdk.HealthChecker)
	if !ok {
		return nil
	}
	s.mu.Lock()
	names := make([]string, 0, len(s.channels))
	for name := range s.channels {
		names = append(names, name)
	}
	s.mu.Unlock()
	slices.Sort(names)
	var out []*pluginpb.ChannelHealth
	for _, name := range names {
		err := s.catchPanic("health", func() error {
			ctx, cancel := context.WithTimeout(ctx, healthTimeout)
			defer cancel()
			return checker.Health(ctx, name)
		})
		if err != nil {
			out = append(out, &pluginpb.ChannelHealth{Channel: name, Text: oneLine(err.Error())})
		}
	}
	return out
}
