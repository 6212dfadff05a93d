package adaptertest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// program is one running process of the adapter with its two streams. Its owner calls stop or kill once.
type program struct {
	process *process
	client  *plugin.Client
	conn    *grpc.ClientConn
	rpc     pluginpb.PluginServiceClient
	dir     string
	receive *calls[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]
	deliver *calls[*pluginpb.DeliverCall, *pluginpb.DeliverResult]
	readers sync.WaitGroup
	cancel  context.CancelFunc

	mu    sync.Mutex
	conns []*grpc.ClientConn // all that the library made, to close what it forgets
}

// inherited are the variables that an adapter sees of the gateway's environment, and of the exam's.
var inherited = []string{
	"PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK",
	"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
}

func environment(o *Options) []string {
	var env []string
	for _, k := range inherited {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	env = append(env, protocol.LogLevelEnv+"=debug", protocol.ParentEnv+"="+strconv.Itoa(os.Getpid()))
	return append(env, o.Env...)
}

// maxTempDir leaves room for a socket's name in what a socket's address may have.
const maxTempDir = 40

// launch starts the adapter as the gateway does and opens its streams. What it prints goes to said.
func launch(o *Options, said *transcript) (*program, error) {
	parent := os.TempDir()
	if len(parent) > maxTempDir {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "pbexam")
	if err != nil {
		return nil, fmt.Errorf("make the socket folder: %w", err)
	}
	p := &program{process: newProcess(o, said), dir: dir}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  protocol.Handshake(),
		VersionedPlugins: protocol.Plugins(nil),
		RunnerFunc:       p.process.runner(environment(o), dir),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     startTimeout,
		Logger:           protocol.LibraryLogger(slog.New(slog.DiscardHandler)),
		SyncStdout:       said,
		SyncStderr:       said,
		GRPCDialOptions:  p.dialOptions(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir},
	})
	guard := time.AfterFunc(2*startTimeout, func() { p.process.signal(syscall.SIGKILL, true) })
	dispenser, err := p.client.Client()
	guard.Stop()
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("start the adapter: %w%s", err, lastWords(said))
	}
	p.conn = dispenser.(*plugin.GRPCClient).Conn
	p.rpc = pluginpb.NewPluginServiceClient(p.conn)
	return p, nil
}

func (p *program) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(protocol.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(protocol.MaxMessageBytes)),
		grpc.WithInitialWindowSize(protocol.StreamWindow),
		grpc.WithInitialConnWindowSize(protocol.ConnectionWindow),
		grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string,
			streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			p.mu.Lock()
			if !slices.Contains(p.conns, cc) {
				p.conns = append(p.conns, cc)
			}
			p.mu.Unlock()
			return streamer(ctx, d, cc, method, opts...)
		}),
	}
}

// lastWords is what an adapter printed last, for an error.
func lastWords(said *transcript) string {
	if text := said.lastLines(); text != "" {
		return "; it printed: " + text
	}
	return ""
}

// openStreams opens the streams of the abilities that the adapter has.
func (p *program) openStreams(abilities []string) error {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	if slices.Contains(abilities, "receive") {
		stream, err := p.rpc.Receive(ctx)
		if err != nil {
			return fmt.Errorf("open the receive stream: %w", err)
		}
		calls := newCalls(func(c []*pluginpb.ReceiveCall) error { return stream.Send(&pluginpb.ReceiveRequest{Calls: c}) },
			(*pluginpb.ReceiveResult).GetId)
		p.receive = calls
		p.readers.Go(func() {
			calls.read(func() ([]*pluginpb.ReceiveResult, error) { f, err := stream.Recv(); return f.GetResults(), err })
		})
	}
	if slices.Contains(abilities, "deliver") {
		stream, err := p.rpc.Deliver(ctx)
		if err != nil {
			return fmt.Errorf("open the deliver stream: %w", err)
		}
		calls := newCalls(func(c []*pluginpb.DeliverCall) error { return stream.Send(&pluginpb.DeliverRequest{Calls: c}) },
			(*pluginpb.DeliverResult).GetId)
		p.deliver = calls
		p.readers.Go(func() {
			calls.read(func() ([]*pluginpb.DeliverResult, error) { f, err := stream.Recv(); return f.GetResults(), err })
		})
	}
	return nil
}

// alive reports whether the process still runs and its streams stand.
func (p *program) alive() bool {
	select {
	case <-p.process.exited:
		return false
	default:
	}
	return !p.receive.over() && !p.deliver.over()
}

// stop asks the process to end, and reports whether it did so by itself; if not the library kills it after 2 s, or the exam
// after endTimeout.
func (p *program) stop() bool {
	var library sync.WaitGroup
	library.Go(p.client.Kill)
	ok := p.process.byItself(endTimeout)
	p.process.signal(syscall.SIGKILL, true)
	library.Wait()
	p.free()
	return ok
}

// kill ends the process at once.
func (p *program) kill() {
	p.process.signal(syscall.SIGKILL, true)
	p.client.Kill()
	p.free()
}

// free gives back what is left of a process that has ended.
func (p *program) free() {
	if p.cancel != nil {
		p.cancel()
	}
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.readers.Wait()
	_ = os.RemoveAll(p.dir)
}
