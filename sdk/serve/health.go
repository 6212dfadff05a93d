package serve

import (
	"context"
	"slices"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// healthInterval is how often a HealthChecker is asked; healthLimit is what it may take.
const (
	healthInterval = 5 * time.Second
	healthLimit    = time.Second
)

// WatchHealth implements pluginpb.PluginServiceServer.
func (s *service) WatchHealth(_ *pluginpb.WatchHealthRequest, stream pluginpb.PluginService_WatchHealthServer) error {
	ctx := stream.Context()
	t := time.NewTicker(healthInterval)
	defer t.Stop()
	var last string
	for first := true; ; first = false {
		sick := s.sick(ctx)
		if state := healthKey(sick); first || state != last {
			if err := stream.Send(&pluginpb.WatchHealthResponse{Sick: sick}); err != nil {
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

// sick asks the adapter about each channel, in the order of their names.
func (s *service) sick(ctx context.Context) []*pluginpb.ChannelHealth {
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
		err := s.guard("health", func() error {
			ctx, cancel := context.WithTimeout(ctx, healthLimit)
			defer cancel()
			return checker.Health(ctx, name)
		})
		if err != nil {
			out = append(out, &pluginpb.ChannelHealth{Channel: name, Text: oneLine(err.Error())})
		}
	}
	return out
}

func healthKey(sick []*pluginpb.ChannelHealth) string {
	var b strings.Builder
	for _, c := range sick {
		b.WriteString(c.GetChannel() + "\x00" + c.GetText() + "\x00")
	}
	return b.String()
}
