package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
)

// Exit codes of an adapter.
const (
	exitDone    = 0 // the gateway ended it
	exitByHand  = 1 // started without the gateway
	exitOrphan  = 3 // the gateway is gone
	exitSIGTERM = 143
)

// Times of an adapter's own ending, when nobody calls Drain.
const (
	parentCheck  = time.Second
	ownDrain     = 10 * time.Second
	hostGoodbye  = time.Second // for the gateway to take the last results and close
	stopDeadline = 2 * time.Second
)

// Main runs the adapter until the gateway ends it, and then exits the process. It is the only call in the main function
// of a plugin. It logs JSON to standard error, where the gateway reads it, and makes that logger slog's default.
// Nothing may be printed to standard output before Main: the gateway reads the first line as the handshake.
//
// On SIGTERM it refuses new calls, finishes running ones and exits. It ignores SIGINT and SIGHUP, which a terminal sends
// to the gateway as well. It exits when the gateway disappears.
func Main(a sdk.Adapter) {
	if os.Getenv(protocol.CookieKey) != protocol.CookieValue {
		writeStartedByHand(os.Stderr, a.Describe())
		os.Exit(exitByHand)
	}
	os.Exit(run(a, newLogger(os.Stderr, os.Getenv(protocol.LogLevelEnv))))
}

// writeStartedByHand tells a person what this program is for.
func writeStartedByHand(w io.Writer, d sdk.Description) {
	_, _ = fmt.Fprintf(w, "This is the Patchbay adapter %q, version %s. It does nothing by itself: name it in the "+
		"gateway's configuration under adapters: {%s: {command: …}} and start patchbay.\n", d.Name, d.Version, d.Name)
}

// newLogger must be given the original stderr: go-plugin replaces os.Stderr while it serves.
func newLogger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// gcPercent lets an adapter's heap, which is small and short-lived, grow to 16 MiB before it is collected. GOGC in the
// environment wins, and GOMEMLIMIT is obeyed in any case.
const gcPercent = 400

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
	built := make(chan struct{})
	go func() {
		defer close(served)
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig:  protocol.Handshake(),
			VersionedPlugins: protocol.Plugins(svc),
			Logger:           protocol.LibraryLogger(log),
			GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
				defer close(built)
				server = grpc.NewServer(append(opts,
					grpc.MaxRecvMsgSize(protocol.MaxMessageBytes),
					grpc.MaxSendMsgSize(protocol.MaxMessageBytes),
					grpc.InitialWindowSize(protocol.StreamWindow),
					grpc.InitialConnWindowSize(protocol.ConnectionWindow))...)
				return server
			},
		})
	}()
	parent := newParentWatch()
	defer parent.stop()
	code := exitDone
	select {
	case <-served: // the gateway shut the server down, after Drain
		return code
	case <-terminated:
		code = exitSIGTERM
	case <-parent.gone:
		code = exitOrphan
	}
	log.Info("stopping", "running", svc.calls.count(), "code", code)
	svc.stop(ownDrain)
	waitFor(served, hostGoodbye)
	select {
	case <-built:
		go server.Stop()
		waitFor(served, stopDeadline)
	default:
	}
	return code
}

func waitFor(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// parentWatch closes gone when the process gets another parent. It is the portable half of "no adapter
// outlives its gateway"; on Linux the kernel does the same at once.
type parentWatch struct {
	gone   chan struct{}
	cancel context.CancelFunc
}

func newParentWatch() *parentWatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &parentWatch{gone: make(chan struct{}), cancel: cancel}
	parent := os.Getppid()
	if p, err := strconv.Atoi(os.Getenv(protocol.ParentEnv)); err == nil {
		parent = p
	}
	go func() {
		t := time.NewTicker(parentCheck)
		defer t.Stop()
		for os.Getppid() == parent {
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
		close(w.gone)
	}()
	return w
}

func (w *parentWatch) stop() { w.cancel() }
