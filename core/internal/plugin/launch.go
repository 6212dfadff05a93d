package plugin

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// verifyCommand checks the program's file before a start, for errors that name the remedy.
func verifyCommand(path string) error {
	if !filepath.IsAbs(path) {
		return endedBy(reasonPermanent, "command %s is not an absolute path", path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return endedBy(reasonPermanent, "command %s: %w; build the adapter or correct the path", path, err)
	case !info.Mode().IsRegular():
		return endedBy(reasonPermanent, "command %s is not a file", path)
	case info.Mode().Perm()&0o111 == 0:
		return endedBy(reasonPermanent, "command %s is not executable; run chmod +x on it", path)
	}
	return nil
}

// launch starts a process and opens its session. If it returns a session and an error, the caller discards the session.
func (s *supervisor) launch(ctx context.Context, n int) (*session, error) {
	h := s.host
	h.update(func(st *Status) { st.State = StateStarting })
	dir, err := socketDir(s.opts, n)
	if err != nil {
		return nil, endedBy(reasonStart, "%w", err)
	}
	sess := &session{
		host: h, instance: n, log: h.log.With("instance", n), dir: dir, retired: make(chan struct{}),
		hangs: make(chan string, 1),
	}
	sess.ctx, sess.cancel = context.WithCancelCause(context.Background())
	sess.proc = newProcess(s.opts, sess.log, h.redactor.redact)
	sess.printed = [2]*strayWriter{
		{stream: "stdout", out: sess.proc.lines}, {stream: "stderr", out: sess.proc.lines},
	}
	sess.client = goplugin.NewClient(s.clientConfig(sess))

	// go-plugin blocks without a timeout in some places. The end of the process unblocks all of them.
	limit, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	release := context.AfterFunc(limit, sess.proc.kill)
	protocolClient, err := sess.client.Client()
	if release(); err == nil { // Client may succeed although the kill has just ended the connection
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
	opening, cancelOpening := context.WithCancel(ctx)
	defer cancelOpening()
	if err := sess.open(opening, s.opts.StartTimeout); err != nil {
		return sess, err
	}
	return sess, nil
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

// explainStart returns the most specific reason why the handshake failed.
func (s *supervisor) explainStart(ctx, limit context.Context, sess *session, err error) error {
	if ctx.Err() != nil {
		return errStopped
	}
	if bad := sess.proc.checkHandshake(); bad != nil {
		return bad
	}
	// go-plugin has the same timeout, and may report it before the context does.
	if deadline, ok := limit.Deadline(); limit.Err() != nil || ok && !time.Now().Before(deadline) {
		return endedBy(reasonStart, "the process was not ready after %s", s.opts.StartTimeout)
	}
	if sess.proc.pid() != 0 && waitClosed(sess.proc.exited, killWait) {
		return endedBy(reasonStart, "the process ended before the handshake: %s", sess.proc.exit)
	}
	return endedBy(reasonStart, "start: %w", err)
}

func newProcess(o *Options, log *slog.Logger, redact func(string) string) *process {
	cmd := exec.Command(o.Command, o.Args...)
	cmd.SysProcAttr = processAttributes()
	lines := newStderrDecoder(log, redact)
	return &process{
		cmd: cmd, lines: lines, stray: &strayWriter{stream: "stdout", out: lines},
		firstLine: make(chan string, 1), exited: make(chan struct{}),
	}
}
