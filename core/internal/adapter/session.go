package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// session is the connection to one generation. The supervisor creates and ends it; its goroutines end with its
// context.
type session struct {
	host        *Host
	generation  int
	log         *slog.Logger
	dir         string
	proc        *process
	printed     [2]*strayWriter // what it prints to os.Stdout and os.Stderr after its start
	client      *plugin.Client
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
	for err == nil {
		var r *pluginpb.WatchHealthResponse
		if r, err = stream.Recv(); err != nil {
			break
		}
		sick := make(map[string]string, len(r.GetSick()))
		for _, c := range r.GetSick() {
			sick[c.GetChannel()] = c.GetText()
		}
		s.host.update(func(st *Status) {
			if st.Generation == s.generation {
				st.Sick = sick
			}
		})
	}
	if s.ctx.Err() == nil && status.Code(err) != codes.Unimplemented {
		s.log.Debug("health watch ended", "error", err) // the streams or liveness decide
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
		_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
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

// drain asks the process to finish its calls and waits for their results, up to limit.
func (s *session) drain(limit time.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	resp, err := s.rpc.Drain(ctx, &pluginpb.DrainRequest{Timeout: durationpb.New(limit - limit/20)})
	if err != nil {
		s.log.Warn("drain failed", "error", err)
		return
	}
	if n := resp.GetRunning(); n > 0 {
		s.log.Warn("calls were still running after the drain", "calls", n)
		return
	}
	// The answer can overtake results on the streams.
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for s.waiting() > 0 {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) waiting() int {
	n := 0
	if s.receive != nil {
		n += s.receive.waiting()
	}
	if s.deliver != nil {
		n += s.deliver.waiting()
	}
	return n
}

// close ends the process and everything of the session, and fails its calls. A process that is to exit by itself is
// given grace; 0 kills at once. Calls that are still with it fail because of cause. It returns an error if the process
// could not be ended.
func (s *session) close(grace time.Duration, cause error) error {
	if grace <= 0 {
		s.proc.kill()
	}
	var library sync.WaitGroup
	library.Go(s.client.Kill) // asks it to exit; returns soon after the process is gone, not before
	if !waitClosed(s.proc.exited, max(grace, 0)) {
		s.proc.kill()
	}
	stuck := !waitClosed(s.proc.exited, killWait)
	s.cancel(cause)
	if !stuck {
		library.Wait()
	}
	s.mu.Lock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.tasks.Wait()
	for _, w := range s.printed {
		w.flush()
	}
	s.failCalls(cause)
	if err := os.RemoveAll(s.dir); err != nil {
		s.log.Warn("could not remove the socket folder", "error", err)
	}
	if stuck {
		return fmt.Errorf("process %d of adapter %s can't be killed", s.proc.pid(), s.host.opts.Name)
	}
	return nil
}

// abort frees what a session has whose process never ran.
func (s *session) abort() {
	s.cancel(errStopped)
	s.client.Kill()
	if err := os.RemoveAll(s.dir); err != nil {
		s.log.Warn("could not remove the socket folder", "error", err)
	}
}

// killWait is how long a killed process may take to disappear; only the kernel can make it longer.
const killWait = 2 * time.Second

// failCalls ends what is still waiting. All goroutines of the streams have ended.
func (s *session) failCalls(cause error) {
	sent := 0
	if s.receive != nil {
		sent += s.receive.close()
	}
	if s.deliver != nil {
		sent += s.deliver.close()
	}
	died := &DiedError{Name: s.host.opts.Name, Alone: sent == 1, Text: s.lastWords(cause)}
	if s.receive != nil {
		s.receive.fail(died)
	}
	if s.deliver != nil {
		s.deliver.fail(died)
	}
}

// lastWords says why the process ended, in full: its panic if it had one, else the cause and its last lines.
func (s *session) lastWords(cause error) string {
	if text := s.proc.lines.panicText(); text != "" {
		return text
	}
	text := cause.Error()
	if tail := s.proc.lines.tailText(); tail != "" {
		text += "\n" + tail
	}
	return text
}

// lastWord is lastWords in one line, "" if the process said nothing.
func (s *session) lastWord() string {
	if text := s.proc.lines.panicText(); text != "" {
		return firstLine(text)
	}
	tail := s.proc.lines.tailText()
	return tail[strings.LastIndexByte(tail, '\n')+1:]
}

// waitClosed reports whether c was closed within d.
func waitClosed(c <-chan struct{}, d time.Duration) bool {
	select {
	case <-c:
		return true
	default:
	}
	if d <= 0 {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
		return true
	case <-t.C:
		return false
	}
}

var errStopped = errors.New("stopped")
