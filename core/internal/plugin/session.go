package plugin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// session is the connection to one instance. The supervisor creates and ends it; its goroutines end with its
// context.
type session struct {
	host        *Host
	instance    int
	log         *slog.Logger
	dir         string
	proc        *process
	printed     [2]*strayWriter // what it prints to os.Stdout and os.Stderr after its start
	client      *goplugin.Client
	conn        *grpc.ClientConn
	rpc         pluginpb.PluginServiceClient
	description *pluginpb.DescribeResponse
	receive     *exchange[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]
	deliver     *exchange[*pluginpb.DeliverCall, *pluginpb.DeliverResult]

	ctx    context.Context // ends with the first failure; its cause says why
	cancel context.CancelCauseFunc
	tasks  sync.WaitGroup
	over   chan struct{} // closed when the host no longer hands it out

	mu    sync.Mutex
	conns []*grpc.ClientConn // all that the library made, to close what it forgets
}

// gone waits until the session is no longer handed out and reports whether it is.
func (s *session) gone(ctx context.Context) bool {
	select {
	case <-s.over:
		return true
	case <-ctx.Done():
		return false
	}
}

// fail ends the session with its first reason.
func (s *session) fail(err error) { s.cancel(err) }

// lost reports whether a call failed because the process or its connection went away.
func lost(err error) bool {
	c := status.Code(err)
	return c == codes.Unavailable || c == codes.Canceled
}

// dialOptions cap messages, and remember connections.
func (s *session) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithInitialWindowSize(protocol.StreamWindow),
		grpc.WithInitialConnWindowSize(protocol.ConnectionWindow),
		grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string,
			streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s.mu.Lock()
			if !slices.Contains(s.conns, cc) {
				s.conns = append(s.conns, cc)
			}
			s.mu.Unlock()
			return streamer(ctx, d, cc, method, opts...)
		}),
	}
}

// open describes, configures and opens the streams, in this order. Each step may take limit.
func (s *session) open(ctx context.Context, limit time.Duration) error {
	step := func(f func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return f(ctx)
	}
	if err := step(s.describe); err != nil {
		return err
	}
	for _, c := range s.host.remembered() {
		if err := step(func(ctx context.Context) error { return s.configure(ctx, c) }); err != nil {
			return err
		}
	}
	if err := s.openReceive(); err != nil {
		return err
	}
	if err := s.openDeliver(); err != nil {
		return err
	}
	if s.receive != nil {
		s.run(s.receive.read, s.receive.write)
	}
	if s.deliver != nil {
		s.run(s.deliver.read, s.deliver.write)
	}
	s.tasks.Go(s.cancelCalls)
	s.tasks.Go(s.watchHealth)
	s.tasks.Go(s.watchLiveness)
	s.tasks.Go(func() {
		select {
		case <-s.proc.exited:
			s.fail(ended(reasonExited, "the process ended: %s", s.proc.exit))
		case <-s.ctx.Done():
		}
	})
	return nil
}

func (s *session) describe(ctx context.Context) error {
	d, err := s.rpc.Describe(ctx, &pluginpb.DescribeRequest{GatewayVersion: s.host.opts.GatewayVersion})
	if err != nil {
		if status.Code(err) == codes.Internal {
			return ended(reasonPermanent, "describe: %s", status.Convert(err).Message())
		}
		return ended(reasonStart, "describe: %w", err)
	}
	s.description = d
	return nil
}

// configure re-applies a channel that a former process accepted. A refusal now is that channel's trouble alone.
func (s *session) configure(ctx context.Context, c *pluginpb.ChannelConfig) error {
	resp, err := s.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: c})
	if err != nil {
		return ended(reasonStart, "configure channel %s: %w", c.GetName(), err)
	}
	if e := resp.GetError(); e != nil {
		s.log.Error("channel refused its former configuration", "channel", c.GetName(), "error", e.GetText())
	}
	return nil
}

func (s *session) able(ability string) bool {
	return slices.Contains(s.description.GetAbilities(), ability)
}

func (s *session) openReceive() error {
	if !s.able("receive") {
		return nil
	}
	stream, err := s.rpc.Receive(s.ctx)
	if err != nil {
		return ended(reasonStart, "open the receive stream: %w", err)
	}
	e := newExchange[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]()
	e.size = receiveCallSize
	e.idOf = (*pluginpb.ReceiveResult).GetId
	e.prepare = func(c *pluginpb.ReceiveCall, id uint64, limit *durationpb.Duration) { c.Id, c.Timeout = id, limit }
	e.send = func(calls []*pluginpb.ReceiveCall) error { return stream.Send(&pluginpb.ReceiveRequest{Calls: calls}) }
	e.recv = func() ([]*pluginpb.ReceiveResult, error) {
		f, err := stream.Recv()
		return f.GetResults(), err
	}
	s.receive = e
	return nil
}

func (s *session) openDeliver() error {
	if !s.able("deliver") {
		return nil
	}
	stream, err := s.rpc.Deliver(s.ctx)
	if err != nil {
		return ended(reasonStart, "open the deliver stream: %w", err)
	}
	e := newExchange[*pluginpb.DeliverCall, *pluginpb.DeliverResult]()
	e.size = deliverCallSize
	e.idOf = (*pluginpb.DeliverResult).GetId
	e.prepare = func(c *pluginpb.DeliverCall, id uint64, limit *durationpb.Duration) { c.Id, c.Timeout = id, limit }
	e.send = func(calls []*pluginpb.DeliverCall) error { return stream.Send(&pluginpb.DeliverRequest{Calls: calls}) }
	e.recv = func() ([]*pluginpb.DeliverResult, error) {
		f, err := stream.Recv()
		return f.GetResults(), err
	}
	s.deliver = e
	return nil
}

// run starts a stream's two goroutines. The end of either ends the session; but a stream that the process closed in
// order says nothing about results that are still on their way in the other.
func (s *session) run(read func() error, write func(context.Context) error) {
	s.tasks.Go(func() {
		err := read()
		if errors.Is(err, io.EOF) {
			s.awaitEnds(exitGrace)
		}
		s.fail(ended(reasonStream, "a stream ended: %w", err))
	})
	s.tasks.Go(func() { s.fail(ended(reasonStream, "a stream broke: %w", write(s.ctx))) })
}

// awaitEnds waits until both streams have given all their results, up to limit.
func (s *session) awaitEnds(limit time.Duration) {
	if s.receive != nil {
		waitClosed(s.receive.ended, limit)
	}
	if s.deliver != nil {
		waitClosed(s.deliver.ended, limit)
	}
}

var errStopped = errors.New("stopped")
