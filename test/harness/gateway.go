package harness

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Gateway is the program under test with its configuration and store. Its methods belong to the test's goroutine,
// but for Logs, Trace, Metrics and Ready, which are safe for concurrent use while it runs.
type Gateway struct {
	Config string // path of the configuration file
	Store  string // folder of the log
	Public string // base address of the webhook listener, "http://host:port"; the same after a restart
	Admin  string // base address of the operators' listener
	PID    int

	world   *World
	public  string // host:port
	private string
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process has ended and its output was read
	code    int           // exit code, -1 after a signal; read after exited
	logs    logs
	ours    []Process
}

// NewGateway writes the configuration and starts the gateway; it returns when that is ready and the vendors know its
// address.
func NewGateway(t testing.TB, w *World, c Config) *Gateway {
	t.Helper()
	g := &Gateway{world: w, Config: filepath.Join(t.TempDir(), "config.yaml"), public: cmp.Or(c.Listen, FreeAddress(t)), private: FreeAddress(t)}
	w.Point("http://" + g.public)
	g.Configure(t, c)
	t.Cleanup(func() { g.cleanup(t) })
	g.Start(t)
	return g
}

// Configure writes another configuration on the same store, for the next start.
func (g *Gateway) Configure(t testing.TB, c Config) {
	t.Helper()
	if c.Store == "" {
		c.Store = g.Store
	}
	if c.Store == "" {
		c.Store = filepath.Join(t.TempDir(), "store")
	}
	g.Store = c.Store
	if err := os.WriteFile(g.Config, []byte(c.text()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Environment returns what the gateway and its commands run with.
func (g *Gateway) Environment() []string {
	return append(g.world.environment(), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"), "TMPDIR="+os.TempDir(),
		"PATCHBAY_LISTEN="+g.public, "PATCHBAY_ADMIN__LISTEN="+g.private, "PATCHBAY_CONFIG="+g.Config)
}

// Start starts a gateway that was stopped or killed, at the addresses that it had, and returns when it is ready.
func (g *Gateway) Start(t testing.TB) {
	t.Helper()
	g.Launch(t)
	g.AwaitReady(t)
}

// Launch starts the process and does not wait until it is ready.
func (g *Gateway) Launch(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	g.cmd = exec.Command(Binary("patchbay"), "run", "-c", g.Config)
	g.cmd.Env, g.cmd.Stderr = g.Environment(), w
	g.exited = make(chan struct{})
	err = g.cmd.Start()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		t.Fatalf("start the gateway: %v", err)
	}
	g.PID = g.cmd.Process.Pid
	go func(cmd *exec.Cmd, exited chan struct{}) {
		g.logs.read(r)
		_ = r.Close()
		_ = cmd.Wait() // the exit code says it
		g.code = cmd.ProcessState.ExitCode()
		close(exited)
	}(g.cmd, g.exited)
}

// AwaitReady returns when the gateway says that it is ready, at the addresses that it was given.
func (g *Gateway) AwaitReady(t testing.TB) {
	t.Helper()
	g.Public, g.Admin = "http://"+g.public, "http://"+g.private
	Eventually(t, Patience, "the gateway starts", func() string {
		select {
		case <-g.exited:
			t.Fatalf("the gateway ended with exit code %d before it was ready:\n%s", g.code, g.logs.tail(20))
		default:
		}
		if status, body := g.Ready(); status != 200 {
			return "readyz: " + body
		}
		return ""
	})
}

// Running reports whether the process has not ended.
func (g *Gateway) Running() bool {
	if g.exited == nil {
		return false
	}
	select {
	case <-g.exited:
		return false
	default:
		return true
	}
}

// Stop ends the gateway by SIGINT. It demands exit code 0 and that no process is left.
func (g *Gateway) Stop(t testing.TB) {
	t.Helper()
	g.remember()
	if err := g.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatalf("send SIGINT to the gateway: %v", err)
	}
	if code := g.AwaitExit(t); code != 0 {
		t.Errorf("exit code %d after SIGINT, want 0:\n%s", code, g.logs.tail(20))
	}
	g.demandNobody(t)
}

// Kill ends the gateway by SIGKILL, and demands that its adapters end by themselves.
func (g *Gateway) Kill(t testing.TB) {
	t.Helper()
	g.remember()
	if err := g.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatalf("kill the gateway: %v", err)
	}
	g.AwaitExit(t)
	g.demandNobody(t)
}

// Restart stops the gateway and starts it again on its store.
func (g *Gateway) Restart(t testing.TB) {
	t.Helper()
	g.Stop(t)
	g.Start(t)
}

// AwaitExit returns the exit code when the process has ended: -1 if by a signal.
func (g *Gateway) AwaitExit(t testing.TB) int {
	t.Helper()
	late := time.NewTimer(Patience)
	defer late.Stop()
	select {
	case <-g.exited:
		return g.code
	case <-late.C:
		t.Fatalf("the gateway did not end:\n%s", g.logs.tail(20))
		return -1
	}
}

// Logs returns every line that was logged, over all runs.
func (g *Gateway) Logs() []Line { return g.logs.lines.All() }

// Plugin returns the running process of an adapter, by its program's name, waiting for one.
func (g *Gateway) Plugin(t testing.TB, name string) Process {
	t.Helper()
	var found Process
	Eventually(t, Patience, "a process of "+name, func() string {
		for _, p := range family(g.PID) {
			if p.Name == name {
				found = p
				return ""
			}
		}
		return "there is none"
	})
	return found
}

// remember notes the adapters that run now, to look for them after the gateway's end.
func (g *Gateway) remember() { g.ours = append(g.ours, family(g.PID)...) }

// demandNobody waits until all processes of the run have ended.
func (g *Gateway) demandNobody(t testing.TB) {
	t.Helper()
	defer func() { g.ours = nil }()
	Eventually(t, 10*time.Second, "no process of the gateway is left", func() string {
		for _, p := range append(family(g.PID), g.ours...) {
			if p.Running() {
				return p.String() + " runs"
			}
		}
		return ""
	})
}

// cleanup ends what the test has left, and shows the end of the log if the test failed.
func (g *Gateway) cleanup(t testing.TB) {
	if t.Failed() {
		t.Logf("end of the gateway's log:\n%s", g.logs.tail(40))
	}
	if g.Running() {
		g.world.Calm()
		g.remember()
		_ = g.cmd.Process.Signal(os.Interrupt)
		late := time.NewTimer(Patience)
		defer late.Stop()
		select {
		case <-g.exited:
			if g.code != 0 {
				t.Errorf("exit code %d after SIGINT, want 0:\n%s", g.code, g.logs.tail(20))
			}
		case <-late.C:
			t.Errorf("the gateway did not end after SIGINT:\n%s", g.logs.tail(20))
			_ = g.cmd.Process.Kill()
			<-g.exited
		}
	}
	for _, p := range append(family(g.PID), g.ours...) {
		if p.Running() {
			t.Errorf("%s is left of the gateway", p)
			p.Kill(t)
		}
	}
}

// Plugins returns the adapters' processes that run now.
func (g *Gateway) Plugins() []Process { return family(g.PID) }
