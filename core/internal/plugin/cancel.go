package plugin

import (
	"context"

	"patchbay/sdk/protocol/pluginpb"
)

// cancelCalls sends the ids of abandoned calls to the process. The grace of the calls begins when the process has
// confirmed the ids, or after LivenessTimeout, so that a process with little CPU time has the whole grace.
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
		if len(req.GetReceive()) > 0 {
			s.receive.markCanceled(req.GetReceive())
		}
		if len(req.GetDeliver()) > 0 {
			s.deliver.markCanceled(req.GetDeliver())
		}
	}
}
