package plugin

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
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
	agreed      *pluginpb.DescribeResponse // in force at the start; nil without one
	configured  []*channelInForce          // at the start, also those that were refused
	receive     *receiveStream             // nil without the ability
	deliver     *deliverStream             // nil without the ability

	ctx     context.Context // ends with the first failure; its cause is the reason
	cancel  context.CancelCauseFunc
	tasks   sync.WaitGroup
	retired chan struct{} // closed when the Host no longer uses the session
	hangs   chan string   // gets the name of the first call that hangs

	// fetches counts the calls for media, including those that the end of the process has interrupted.
	fetches   atomic.Int64
	fetchID   atomic.Uint64
	fetchHung atomic.Bool
	// probations counts the subscriptions that have just begun, including those that the end of the process has
	// interrupted.
	probations atomic.Int64

	// About the end of the process; set by close.
	blamed         bool        // a call is blamed for it
	hadResult      bool        // before, another call of the same kind had a result
	fetchBroke     *BrokeError // for the interrupted calls for media
	subscribeBroke *BrokeError // for the interrupted subscriptions in probation

	mu        sync.Mutex
	refused   map[string]string  // reasons by channel
	unhealthy map[string]string  // what the adapter reported last, by channel
	conns     []*grpc.ClientConn // all connections of go-plugin, which does not close each of them
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
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(protocol.Codec()),
			grpc.MaxCallRecvMsgSize(protocol.MaxMessageBytes), grpc.MaxCallSendMsgSize(protocol.MaxMessageBytes)),
		grpc.WithInitialWindowSize(protocol.StreamWindow),
		grpc.WithInitialConnWindowSize(protocol.ConnectionWindow),
		grpc.WithUnaryInterceptor(s.host.redactor.redactUnary),
		grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string,
			streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s.mu.Lock()
			if !slices.Contains(s.conns, cc) {
				s.conns = append(s.conns, cc)
			}
			s.mu.Unlock()
			stream, err := streamer(ctx, d, cc, method, opts...)
			return redactedStream{stream, &s.host.redactor}, err
		}),
	}
}

// open describes the adapter, configures its channels, opens the streams and lets the session accept calls, in this
// order. limit applies to each step.
func (s *session) open(ctx context.Context, limit time.Duration) error {
	step := func(f func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return f(ctx)
	}
	if err := step(s.describe); err != nil {
		return err
	}
	if err := s.applyInForce(step); err != nil {
		return err
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
	s.host.broken.useVersion(s.description.GetVersion())
	for !s.host.publish(s) {
		if err := s.applyInForce(step); err != nil {
			return err
		}
	}
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

func (s *session) hasAbility(name string) bool {
	return slices.Contains(s.description.GetAbilities(), name)
}
