package plugin

import (
	"context"
	"maps"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"patchbay/sdk/protocol/pluginpb"
)

// watchHealth updates Status.Unhealthy.
func (s *session) watchHealth() {
	stream, err := s.rpc.WatchHealth(s.ctx, &pluginpb.WatchHealthRequest{})
	healthy := true
	for err == nil {
		var r *pluginpb.WatchHealthResponse
		if r, err = stream.Recv(); err != nil {
			break
		}
		unhealthy := make(map[string]string, len(r.GetUnhealthy()))
		for _, c := range r.GetUnhealthy() {
			unhealthy[c.GetChannel()] = c.GetText()
		}
		if healthy != (len(unhealthy) == 0) {
			healthy = !healthy
			s.logHealth(unhealthy)
		}
		s.mu.Lock()
		s.unhealthy = unhealthy
		s.mu.Unlock()
		s.reportUnhealthy()
	}
	if s.ctx.Err() == nil && status.Code(err) != codes.Unimplemented {
		s.log.Debug("health watch ended", "error", err) // the streams and the liveness checks detect a dead process
	}
}

// reportUnhealthy sets Status.Unhealthy to the channels that the adapter reported last and those that it refused.
func (s *session) reportUnhealthy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]string, len(s.unhealthy)+len(s.refused))
	maps.Copy(all, s.unhealthy)
	maps.Copy(all, s.refused)
	s.host.update(func(st *Status) {
		if st.Instance == s.instance {
			st.Unhealthy = all
		}
	})
}

func (s *session) logHealth(unhealthy map[string]string) {
	if len(unhealthy) == 0 {
		s.log.Info("adapter recovered")
		return
	}
	for channel, text := range unhealthy {
		s.log.Warn("adapter degraded", "channel", channel, "error", text)
	}
}

// watchLiveness calls go-plugin's health service. Each check has a timeout, because a frozen process never responds.
func (s *session) watchLiveness() {
	o := &s.host.opts
	t := time.NewTicker(o.LivenessInterval)
	defer t.Stop()
	health := grpc_health_v1.NewHealthClient(s.conn)
	misses := 0
	for {
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, o.LivenessTimeout)
		_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
		cancel()
		if err == nil {
			misses = 0
			continue
		}
		if misses++; misses >= o.LivenessMisses {
			s.fail(endedBy(reasonLiveness, "the process did not respond to %d health checks in a row: %w", misses, err))
			return
		}
	}
}
