package plugin

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol/pluginpb"
)

type (
	receiveStream = callStream[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]
	deliverStream = callStream[*pluginpb.DeliverCall, *pluginpb.DeliverResult]
)

func (s *session) openReceive() error {
	if !s.hasAbility("receive") {
		return nil
	}
	stream, err := s.rpc.Receive(s.ctx)
	if err != nil {
		return endedBy(reasonStart, "open the receive stream: %w", err)
	}
	c := newCallStream[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]()
	c.size = receiveCallSize
	c.idOf = (*pluginpb.ReceiveResult).GetId
	c.grace, c.overdue = s.host.opts.CancelGrace, s.host.countOverdue
	c.hung = func(call *pluginpb.ReceiveCall) { s.reportHang("receive on " + call.GetPath()) }
	c.prepare = func(call *pluginpb.ReceiveCall, id uint64, limit *durationpb.Duration) {
		call.Id, call.Timeout = id, limit
	}
	c.send = func(calls []*pluginpb.ReceiveCall) error { return stream.Send(&pluginpb.ReceiveRequest{Calls: calls}) }
	c.recv = func() ([]*pluginpb.ReceiveResult, error) {
		f, err := stream.Recv()
		return f.GetResults(), err
	}
	s.receive = c
	return nil
}

func (s *session) openDeliver() error {
	if !s.hasAbility("deliver") {
		return nil
	}
	stream, err := s.rpc.Deliver(s.ctx)
	if err != nil {
		return endedBy(reasonStart, "open the deliver stream: %w", err)
	}
	c := newCallStream[*pluginpb.DeliverCall, *pluginpb.DeliverResult]()
	c.size = deliverCallSize
	c.idOf = (*pluginpb.DeliverResult).GetId
	c.grace, c.overdue = s.host.opts.CancelGrace, s.host.countOverdue
	c.hung = func(call *pluginpb.DeliverCall) { s.reportHang(deliverName(call)) }
	c.prepare = func(call *pluginpb.DeliverCall, id uint64, limit *durationpb.Duration) {
		call.Id, call.Timeout = id, limit
	}
	c.send = func(calls []*pluginpb.DeliverCall) error { return stream.Send(&pluginpb.DeliverRequest{Calls: calls}) }
	c.recv = func() ([]*pluginpb.DeliverResult, error) {
		f, err := stream.Recv()
		return f.GetResults(), err
	}
	s.deliver = c
	return nil
}

func deliverName(call *pluginpb.DeliverCall) string {
	if call.GetOpen() != nil {
		return "open on " + call.GetChannel()
	}
	return "deliver to " + call.GetChannel()
}

// reportHang makes the supervisor replace the process because a call hangs. The supervisor gets only the first hung
// call.
func (s *session) reportHang(call string) {
	s.log.Error("call hung", "call", call, "grace_seconds", s.host.opts.CancelGrace.Seconds())
	select {
	case s.hangs <- call:
	default:
	}
}

// run starts the two goroutines of a stream. The end of either ends the session. If the process closed the stream
// properly, results may still arrive on the other stream, so run first waits for the end of both streams.
func (s *session) run(read func() error, write func(context.Context) error) {
	s.tasks.Go(func() {
		err := read()
		if errors.Is(err, io.EOF) {
			s.awaitStreamEnds(exitGrace)
		}
		s.fail(endedBy(reasonStream, "a stream ended: %w", err))
	})
	s.tasks.Go(func() { s.fail(endedBy(reasonStream, "a stream broke: %w", write(s.ctx))) })
}

// awaitStreamEnds waits, up to limit for each, until both streams have returned all results.
func (s *session) awaitStreamEnds(limit time.Duration) {
	if s.receive != nil {
		waitClosed(s.receive.ended, limit)
	}
	if s.deliver != nil {
		waitClosed(s.deliver.ended, limit)
	}
}
