package plugin

import (
	"context"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"patchbay/sdk/protocol/pluginpb"
)

// cancelCalls tells the process which calls nobody waits for.
func (s *session) cancelCalls() {
	var receive, deliver chan struct{}
	if s.receive != nil {
		receive = s.receive.cancels
	}
	if s.deliver != nil {
		deliver = s.deliver.cancels
	}
	for {
		req := &pluginpb.CancelRequest{}
		select {
		case <-receive:
			req.Receive = s.receive.takeAbandoned()
		case <-deliver:
			req.Deliver = s.deliver.takeAbandoned()
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.host.opts.LivenessTimeout)
		if _, err := s.rpc.Cancel(ctx, req); err != nil && s.ctx.Err() == nil {
			s.log.Debug("cancel failed", "error", err)
		}
		cancel()
	}
}

// watchHealth keeps Status.Sick up to date.
func (s *session) watchHealth() {
	stream, err := s.rpc.WatchHealth(s.ctx, &pluginpb.WatchHealthRequest{})
	well := true
	for err == nil {
		var r *pluginpb.WatchHealthResponse
		if r, err = stream.Recv(); err != nil {
			break
		}
		sick := make(map[string]string, len(r.GetSick()))
		for _, c := range r.GetSick() {
			sick[c.GetChannel()] = c.GetText()
		}
		if was := well; was != (len(sick) == 0) {
			well = !was
			s.tellHealth(sick)
		}
		s.host.update(func(st *Status) {
			if st.Instance == s.instance {
				st.Sick = sick
			}
		})
	}
	if s.ctx.Err() == nil && status.Code(err) != codes.Unimplemented {
		s.log.Debug("health watch ended", "error", err) // the streams or liveness decide
	}
}

// tellHealth logs that the adapter's channels have become sick, or that all are well again.
func (s *session) tellHealth(sick map[string]string) {
	if len(sick) == 0 {
		s.log.Info("adapter recovered")
		return
	}
	for channel, why := range sick {
		s.log.Warn("adapter degraded", "channel", channel, "error", why)
	}
}

// watchLiveness asks the library's health service, each time with a deadline of its own: a frozen process never
// answers.
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
			s.fail(ended(reasonLiveness, "the process did not answer %d health checks in a row: %w", misses, err))
			return
		}
	}
}
