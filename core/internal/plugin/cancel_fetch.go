package plugin

import (
	"context"
	"sync/atomic"

	"patchbay/sdk/protocol/pluginpb"
)

// cancelAttempts is the number of requests to cancel a Fetch within the grace.
const cancelAttempts = 4

// fetchCall is a running call for a medium. If the caller's context ends, the gateway asks the adapter to cancel the
// call. If the call does not end within the grace, it hangs, and the process is replaced.
type fetchCall struct {
	session *session
	request *pluginpb.FetchRequest
	ctx     context.Context // of the stream
	cancel  context.CancelFunc
	ended   chan struct{}
	unwatch func() bool // ends the wait for the end of the caller's context
	hung    atomic.Bool
}

func (s *session) beginFetch(ctx context.Context, req *pluginpb.FetchRequest) *fetchCall {
	c := &fetchCall{session: s, request: req, ended: make(chan struct{})}
	if !s.description.GetCancelsFetch() { // the gateway can only end the stream
		c.ctx, c.cancel = context.WithCancel(ctx)
		c.unwatch = func() bool { return true }
		return c
	}
	req.Id = s.fetchID.Add(1)
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.unwatch = context.AfterFunc(ctx, c.abandon)
	return c
}

// end closes the stream of the call. This cancels a call that still runs.
func (c *fetchCall) end() {
	c.unwatch()
	close(c.ended)
	c.cancel()
}

// abandon cancels the call and waits for its end. It asks repeatedly, because at the first request the call may not
// have begun in the adapter.
func (c *fetchCall) abandon() {
	s := c.session
	s.host.countOverdue(1)
	defer s.host.countOverdue(-1)
	for range cancelAttempts {
		c.askToCancel()
		if waitClosed(c.ended, s.host.opts.CancelGrace/cancelAttempts) || s.ctx.Err() != nil {
			return
		}
	}
	c.hung.Store(true)
	s.fetchHung.Store(true)
	s.reportHang("fetch from " + c.request.GetChannel())
	c.cancel()
}

func (c *fetchCall) askToCancel() {
	s := c.session
	ctx, cancel := context.WithTimeout(s.ctx, s.host.opts.LivenessTimeout)
	defer cancel()
	_, err := s.rpc.Cancel(ctx, &pluginpb.CancelRequest{Fetch: []uint64{c.request.GetId()}})
	if err != nil && s.ctx.Err() == nil {
		s.log.Debug("cancel failed", "error", err)
	}
}
