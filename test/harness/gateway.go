package harness

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"patchbay/sandbox/gateway"
)

// FreeAddress returns an unused local address and reserves it until the end of the test.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, release, err := gateway.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return address
}

// Process is one process of the gateway.
type Process = gateway.Process

// Gateway is the program under test with its configuration and store. Only the test's goroutine may call its methods,
// except Logs, Trace, Metric and Ready, which are safe for concurrent use while it runs.
type Gateway struct {
	Config string // path of the configuration file
	Store  string // folder of the log
	Public string // base address of the webhook listener, "http://host:port"; the same after a restart
	Admin  string // base address of the operators' listener
	PID    int

	world *World
	child gateway.Gateway
	logs  logs
}

// NewGateway writes the configuration and starts the gateway; it returns when the gateway is ready and the vendors know
// its address.
func NewGateway(t testing.TB, w *World, c Config) *Gateway {
	t.Helper()
	public, admin := cmp.Or(c.Listen, FreeAddress(t)), FreeAddress(t)
	g := &Gateway{
		world: w, Config: filepath.Join(t.TempDir(), "config.yaml"), Public: "http://" + public, Admin: "http://" + admin,
	}
	g.child = gateway.Gateway{Bin: Binary("patchbay"), Config: g.Config, Admin: admin, Output: &g.logs}
	g.child.Env = append(w.environment(), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"), "TMPDIR="+os.TempDir(),
		"PATCHBAY_LISTEN="+public, "PATCHBAY_ADMIN__LISTEN="+admin, "PATCHBAY_CONFIG="+g.Config)
	w.Point(g.Public)
	g.Configure(t, c)
	t.Cleanup(func() { g.cleanup(t) })
	g.Start(t)
	return g
}

// Configure writes the configuration for the next start. It keeps the store unless c names one.
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

// Start starts a gateway that was stopped or killed, at its former addresses, and returns when it is ready.
func (g *Gateway) Start(t testing.TB) {
	t.Helper()
	g.Launch(t)
	g.AwaitReady(t)
}

// Launch starts the process and does not wait until it is ready.
func (g *Gateway) Launch(t testing.TB) {
	t.Helper()
	if err := g.child.Launch(); err != nil {
		t.Fatal(err)
	}
	g.PID = g.child.PID()
}

// AwaitReady returns when the gateway reports that it is ready.
func (g *Gateway) AwaitReady(t testing.TB) {
	t.Helper()
	g.must(t, g.child.AwaitReady)
}

// must fails the test if do does not succeed within Patience.
func (g *Gateway) must(t testing.TB, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatalf("%v; end of the log:\n%s", err, g.logs.tail(20))
	}
}

// Stop ends the gateway by SIGINT. Its exit code must be 0, and no process may be left.
func (g *Gateway) Stop(t testing.TB) {
	t.Helper()
	g.must(t, g.child.Stop)
}

// Kill ends the gateway by SIGKILL. Its adapters must end by themselves.
func (g *Gateway) Kill(t testing.TB) {
	t.Helper()
	g.must(t, func(ctx context.Context) error { return g.child.Terminate(ctx, syscall.SIGKILL) })
}

// Restart stops the gateway and starts it again on its store.
func (g *Gateway) Restart(t testing.TB) {
	t.Helper()
	g.Stop(t)
	g.Start(t)
}

// Logs returns all lines of the log, over all runs.
func (g *Gateway) Logs() []Line { return g.logs.lines.All() }

// Plugin waits for a running process of the adapter program with this name and returns it.
func (g *Gateway) Plugin(t testing.TB, name string) Process {
	t.Helper()
	var found Process
	Eventually(t, Patience, "a process of "+name, func() string {
		for _, p := range g.Plugins() {
			if p.Comm == name {
				found = p
				return ""
			}
		}
		return "there is none"
	})
	return found
}

// Plugins returns the adapters' processes that run now.
func (g *Gateway) Plugins() []Process { return g.child.PluginProcesses() }

// cleanup ends the gateway if it runs, and prints the end of the log if the test failed.
func (g *Gateway) cleanup(t testing.TB) {
	if t.Failed() {
		t.Logf("end of the gateway's log:\n%s", g.logs.tail(40))
	}
	if g.child.Running() {
		g.world.Calm()
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := g.child.Stop(ctx); err != nil {
			t.Errorf("%v; end of the log:\n%s", err, g.logs.tail(20))
		}
	}
	for _, p := range g.child.Kill() {
		t.Errorf("%s is left of the gateway", p)
	}
}
