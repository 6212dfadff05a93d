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

type (
	receiveStream = callStream[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]
	deliverStream = callStream[*pluginpb.DeliverCall, *pluginpb.DeliverResult]
)

// session is the connection to one instance. The supervisor creates and closes it. Its goroutines end with its context.
type session struct {
	host        *Host
	instance    int
	log         *slog.Logger
	dir         string // for sockets
	proc        *process
	printed     [2]*strayWriter // output to os.Stdout and os.Stderr after the handshake
	client      *goplugin.Client
	conn        *grpc.ClientConn
	rpc         pluginpb.PluginServiceClient
	description *pluginpb.DescribeResponse
	receive     *receiveStream // nil without the ability
	deliver     *deliverStream // nil without the ability

	ctx     context.Context // ends with the first failure; its cause is the reason
	cancel  context.CancelCauseFunc
	tasks   sync.WaitGroup
	retired chan struct{} // closed when the Host no longer uses the session

	mu    sync.Mutex
	conns []*grpc.ClientConn // all connections of go-plugin, which does not close each of them
}

var errStopped = errors.New("stopped")

// awaitRetired waits until the Host no longer uses the session. It reports whether that happened before the end of ctx.
func (s *session) awaitRetired(ctx context.Context) bool {
	select {
	case <-s.retired:
		return true
	case <-ctx.Done():
		return false
	}
}

// fail ends the session. The first reason counts.
func (s *session) fail(err error) { s.cancel(err) }

// isConnectionLost reports whether a call failed because the process or its connection is gone.
func isConnectionLost(err error) bool {
	c := status.Code(err)
	return c == codes.Unavailable || c == codes.Canceled
}

// dialOptions set the limits of messages and record connections.
func (s *session) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(protocol.MaxMessageBytes), grpc.MaxCallSendMsgSize(protocol.MaxMessageBytes)),
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

// open describes the adapter, configures its channels and opens the streams, in this order. limit applies to each step.
func (s *session) open(ctx context.Context, limit time.Duration) error {
	step := func(f func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return f(ctx)
	}
	if err := step(s.describe); err != nil {
		return err
	}
	for _, c := range s.host.storedChannels() {
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
			s.fail(endedBy(reasonExited, "the process ended: %s", s.proc.exit))
		case <-s.ctx.Done():
		}
	})
	return nil
}

func (s *session) describe(ctx context.Context) error {
	d, err := s.rpc.Describe(ctx, &pluginpb.DescribeRequest{GatewayVersion: s.host.opts.GatewayVersion})
	if err != nil {
		if status.Code(err) == codes.Internal {
			return endedBy(reasonPermanent, "describe: %s", status.Convert(err).Message())
		}
		return endedBy(reasonStart, "describe: %w", err)
	}
	s.description = d
	return nil
}

// configure applies a channel's configuration that an earlier process accepted. A refusal affects this channel only.
func (s *session) configure(ctx context.Context, c *pluginpb.ChannelConfig) error {
	resp, err := s.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: c})
	if err != nil {
		return endedBy(reasonStart, "configure channel %s: %w", c.GetName(), err)
	}
	if e := resp.GetError(); e != nil {
		s.log.Error("channel refused its earlier configuration", "channel", c.GetName(), "error", e.GetText())
	}
	return nil
}

func (s *session) hasAbility(name string) bool {
	return slices.Contains(s.description.GetAbilities(), name)
}

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

// run starts the two goroutines of a stream. The end of either ends the session. If the process closed the stream
// properly, results may still arrive on the other stream, so run waits for its end.
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
