package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
)

// Exit codes of an adapter.
const (
	exitDone        = 0 // the gateway ended the adapter
	exitNoGateway   = 1 // the gateway did not start the adapter
	exitGatewayGone = 3 // the gateway ended first
	exitSIGTERM     = 143
)

// Time limits when the adapter stops without a Drain from the gateway.
const (
	drainTimeout = 10 * time.Second
	closeWait    = time.Second // for the gateway to read the last results and close the connection
	stopTimeout  = 2 * time.Second
)

// gcPercent lets an adapter's heap, which is small and short-lived, grow to 16 MiB before a collection. GOGC in the
// environment overrides it, and GOMEMLIMIT still applies.
const gcPercent = 400

// Main runs the adapter until the gateway ends it, and then exits the process. It is the only call in an adapter's main
// function. It logs JSON to standard error, where the gateway reads it, and makes that logger slog's default. Nothing
// may be printed to standard output before Main: the gateway reads the first line as the handshake.
//
// On SIGTERM it refuses new calls, finishes running ones and exits. It ignores SIGINT and SIGHUP, which a terminal
// sends to the gateway as well. It exits if the gateway ends first.
func Main(a sdk.Adapter) {
	if os.Getenv(protocol.CookieKey) != protocol.CookieValue {
		writeUsage(os.Stderr, a.Describe())
		os.Exit(exitNoGateway)
	}
	os.Exit(run(a, newLogger(os.Stderr, os.Getenv(protocol.LogLevelEnv))))
}

func writeUsage(w io.Writer, d sdk.Description) {
	_, _ = fmt.Fprintf(w, "This is the Patchbay adapter %q, version %s. The gateway starts it: name it in the "+
		"gateway's configuration under adapters: {%s: {command: …}} and start patchbay.\n", d.Name, d.Version, d.Name)
}

// newLogger returns the logger of the process. w is the original stderr: go-plugin replaces os.Stderr while it serves.
func newLogger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// run returns the exit code.
func run(a sdk.Adapter, log *slog.Logger) int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	slog.SetDefault(log)
	signal.Ignore(syscall.SIGHUP)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)

	svc := newService(a, log)
	var server *grpc.Server
	served := make(chan struct{})
	created := make(chan struct{})
	go func() {
		defer close(served)
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig:  protocol.Handshake(),
			VersionedPlugins: protocol.Plugins(svc),
			Logger:           protocol.LibraryLogger(log),
			GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
				defer close(created)
				server = grpc.NewServer(append(opts, grpc.ForceServerCodecV2(protocol.Codec()),
					grpc.MaxRecvMsgSize(protocol.MaxMessageBytes),
					grpc.MaxSendMsgSize(protocol.MaxMessageBytes),
					grpc.InitialWindowSize(protocol.StreamWindow),
					grpc.InitialConnWindowSize(protocol.ConnectionWindow))...)
				return server
			},
		})
	}()
	gatewayGone, stopWatch := context.WithCancel(context.Background())
	defer stopWatch()
	go func() { watchParent(gatewayGone); stopWatch() }()
	code := exitDone
	select {
	case <-served: // the gateway ended the server, after Drain
		return code
	case <-terminated:
		code = exitSIGTERM
	case <-gatewayGone.Done():
		code = exitGatewayGone
	}
	log.Info("stopping", "running", svc.calls.count(), "code", code)
	svc.stop(drainTimeout)
	waitClosed(served, closeWait)
	select {
	case <-created:
		go server.Stop()
		waitClosed(served, stopTimeout)
	default:
	}
	return code
}

func waitClosed(c <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
	case <-t.C:
	}
}
