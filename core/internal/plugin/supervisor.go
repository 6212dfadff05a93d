package plugin

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// supervisor is the state of Run: it belongs to one goroutine, on one OS thread.
type supervisor struct {
	host   *Host
	opts   *Options
	budget budget
}

func newSupervisor(h *Host) *supervisor {
	return &supervisor{host: h, opts: &h.opts, budget: budget{opts: &h.opts}}
}

func (s *supervisor) run(ctx context.Context) error {
	runtime.LockOSThread() // the kernel ends the adapter when the thread that forked it ends
	defer runtime.UnlockOSThread()
	var result error
	for instance := 1; ctx.Err() == nil; instance++ {
		uptime, err := s.instance(ctx, instance)
		if stuck, ok := errors.AsType[*stuckError](err); ok {
			result = errors.Join(result, stuck)
		}
		if ctx.Err() != nil {
			break
		}
		s.pause(ctx, err, uptime)
	}
	s.host.update(func(st *Status) { st.State, st.PID, st.NextStart = StateStopped, 0, time.Time{} })
	return result
}

// stuckError means that a process is left that can't be killed.
type stuckError struct{ error }

// instance runs one process from start to end. It returns how long it was ready and why it ended.
func (s *supervisor) instance(ctx context.Context, n int) (time.Duration, error) {
	h := s.host
	h.update(func(st *Status) {
		st.State, st.Instance, st.Sick, st.NextStart = StateVerifying, n, nil, time.Time{}
	})
	if err := verify(s.opts); err != nil {
		return 0, err
	}
	sess, err := s.start(ctx, n)
	if err != nil {
		if sess != nil {
			err = s.discard(sess, err)
		}
		return 0, err
	}
	began := time.Now()
	h.session.Store(sess)
	h.update(func(st *Status) { st.State, st.Reason, st.Version = StateReady, "", sess.description.GetVersion() })
	h.metrics.info.Reset()
	h.metrics.info.WithLabelValues(sess.description.GetVersion()).Set(1)
	h.log.Info("adapter ready", "instance", n, "pid", sess.proc.pid(), "version", sess.description.GetVersion())
	err = s.watch(ctx, sess)
	return time.Since(began), err
}

// start launches a process and opens its session. If it returns an error with a session, the session must be
// discarded.
func (s *supervisor) start(ctx context.Context, n int) (*session, error) {
	h := s.host
	h.update(func(st *Status) { st.State = StateStarting })
	dir, err := socketDir(s.opts, n)
	if err != nil {
		return nil, ended(reasonStart, "%w", err)
	}
	sess := &session{host: h, instance: n, log: h.log.With("instance", n), dir: dir, over: make(chan struct{})}
	sess.ctx, sess.cancel = context.WithCancelCause(context.Background())
	sess.proc = s.newProcess(sess)
	sess.printed = [2]*strayWriter{
		{stream: "stdout", out: sess.proc.lines}, {stream: "stderr", out: sess.proc.lines},
	}
	config := s.clientConfig(sess)
	sess.client = goplugin.NewClient(config)

	// The library blocks without a deadline in places; the end of the process frees it from all of them.
	limit, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	release := context.AfterFunc(limit, sess.proc.kill)
	protocolClient, err := sess.client.Client()
	if release(); err == nil { // it can call a connection good that the kill just ended
		err = limit.Err()
	}
	if err != nil {
		return sess, s.explainStart(ctx, limit, sess, err)
	}
	sess.conn = protocolClient.(*goplugin.GRPCClient).Conn
	sess.rpc = pluginpb.NewPluginServiceClient(sess.conn)
	h.update(func(st *Status) { st.State, st.PID = StateConfiguring, sess.proc.pid() })
	stop := context.AfterFunc(ctx, func() { sess.fail(errStopped) })
	defer stop()
	opened, cancelOpen := context.WithCancel(ctx)
	defer cancelOpen()
	if err := sess.open(opened, s.opts.StartTimeout); err != nil {
		return sess, err
	}
	return sess, nil
}

func (s *supervisor) newProcess(sess *session) *process {
	cmd := exec.Command(s.opts.Command, s.opts.Args...)
	cmd.SysProcAttr = processAttributes()
	lines := newStderrDecoder(sess.log)
	return &process{
		cmd: cmd, lines: lines, stray: &strayWriter{stream: "stdout", out: lines},
		firstLine: make(chan string, 1), exited: make(chan struct{}),
	}
}

func (s *supervisor) clientConfig(sess *session) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  protocol.Handshake(),
		VersionedPlugins: protocol.Plugins(nil),
		RunnerFunc:       sess.proc.runner(environment(s.opts), sess.dir),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     s.opts.StartTimeout,
		Logger:           protocol.LibraryLogger(sess.log),
		SyncStdout:       sess.printed[0],
		SyncStderr:       sess.printed[1],
		GRPCDialOptions:  sess.dialOptions(),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: sess.dir},
	}
}

// explainStart finds the most telling reason why the handshake failed.
func (s *supervisor) explainStart(ctx, limit context.Context, sess *session, err error) error {
	if ctx.Err() != nil {
		return errStopped
	}
	if bad := sess.proc.checkHandshake(); bad != nil {
		return bad
	}
	// The library has the same limit from a little later on, and may notice it before the context does.
	if deadline, ok := limit.Deadline(); limit.Err() != nil || ok && !time.Now().Before(deadline) {
		return ended(reasonStart, "the process was not ready after %s", s.opts.StartTimeout)
	}
	if sess.proc.pid() != 0 && waitClosed(sess.proc.exited, killWait) {
		return ended(reasonStart, "the process ended before the handshake: %s", sess.proc.exit)
	}
	return ended(reasonStart, "start: %w", err)
}

// watch returns when the session failed or is to end, after its process is gone.
func (s *supervisor) watch(ctx context.Context, sess *session) error {
	for {
		select {
		case <-sess.ctx.Done():
			s.host.session.Store(nil)
			s.host.update(func(st *Status) { st.State, st.NextStart = StateBackoff, time.Now() })
			return s.discard(sess, context.Cause(sess.ctx))
		case <-ctx.Done():
			return s.stop(sess)
		case asked := <-s.host.restart:
			if asked == sess {
				if err := s.stop(sess); err != nil {
					return err
				}
				return ended(reasonRequested, "restart requested")
			}
		}
	}
}

// stop drains a session and ends its process in order.
func (s *supervisor) stop(sess *session) error {
	s.host.session.Store(nil)
	s.host.update(func(st *Status) { st.State = StateDraining })
	sess.drain(s.opts.DrainTimeout)
	err := sess.close(s.opts.StopTimeout, errStopped)
	close(sess.over)
	if err != nil {
		return &stuckError{err}
	}
	s.host.log.Info("adapter stopped", "instance", sess.instance, "exit", sess.proc.exit)
	return nil
}

// exitGrace is how long a process that closed its streams may take to say its last words before it is killed.
const exitGrace = 200 * time.Millisecond

// discard ends a session that failed, kills what is left of it, and returns the best known reason.
func (s *supervisor) discard(sess *session, cause error) error {
	if reasonOf(cause, "") == reasonStream {
		waitClosed(sess.proc.exited, exitGrace)
	}
	select {
	case <-sess.proc.exited:
		if reasonOf(cause, "") == reasonStream {
			cause = ended(reasonExited, "the process ended: %s", sess.proc.exit)
		}
	default:
	}
	var err error
	if sess.proc.pid() == 0 { // it never ran
		sess.abort()
	} else {
		err = sess.close(0, cause)
	}
	if word := sess.lastWord(); word != "" && !errors.Is(cause, errStopped) {
		cause = fmt.Errorf("%w: %s", cause, word)
	}
	s.host.update(func(st *Status) { st.PID = 0 })
	close(sess.over)
	if err != nil {
		return errors.Join(cause, &stuckError{err})
	}
	return cause
}

// pause waits as long as the budget says after an end, or until somebody asks for a try.
func (s *supervisor) pause(ctx context.Context, cause error, uptime time.Duration) {
	h := s.host
	reason := reasonOf(cause, reasonExited)
	h.metrics.restarts[reason].Inc()
	v := s.budget.after(time.Now(), reason, uptime)
	state := StateBackoff
	if v.quarantine {
		state = StateQuarantined
	}
	h.update(func(st *Status) {
		st.State, st.PID, st.Sick, st.Restarts = state, 0, nil, st.Restarts+1
		st.Reason, st.NextStart = reason, time.Now().Add(v.wait)
		if cause != nil && reason != reasonRequested {
			st.LastError = cause.Error()
		}
	})
	if reason != reasonRequested {
		h.log.Error("adapter ended", "reason", reason, "error", cause, "uptime_seconds", uptime.Seconds(), "state", string(state),
			"next_start_seconds", v.wait.Seconds())
	}
	if v.wait <= 0 {
		return
	}
	t := time.NewTimer(v.wait)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return
		case <-ctx.Done():
			return
		case asked := <-h.restart:
			if asked == nil { // else it meant the process that has ended meanwhile
				return
			}
		}
	}
}
