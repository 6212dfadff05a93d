package harness

import (
	"cmp"
	"context"
	"fmt"
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

// Gateway is the program under test with its configuration and store. Its methods are for the test's goroutine, except
// Logs, Trace, Metric and Ready, which are safe for concurrent use while the gateway is running.
type Gateway struct {
	Config string // path of the configuration file
	Store  string // folder of the log
	Public string // base address of the public listener, "http://host:port"; a restart does not change it
	Admin  string // base address of the admin listener
	PID    int

	world *World
	child gateway.Gateway
	logs  logs
}

// NewGateway writes the configuration, sets the gateway's address at the vendors, and starts the gateway. It returns
// when the gateway is ready.
func NewGateway(t testing.TB, w *World, c Config) *Gateway {
	t.Helper()
	public, admin := cmp.Or(c.Listen, FreeAddress(t)), FreeAddress(t)
	g := &Gateway{
		world: w, Config: filepath.Join(t.TempDir(), "config.yaml"), Public: "http://" + public, Admin: "http://" + admin,
	}
	g.child = gateway.Gateway{Bin: Binary("patchbay"), Config: g.Config, Admin: admin, Output: &g.logs}
	g.child.Env = append(w.environment(), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"), "TMPDIR="+os.TempDir(),
		"PATCHBAY_LISTEN="+public, "PATCHBAY_ADMIN__LISTEN="+admin, "PATCHBAY_CONFIG="+g.Config)
	w.SetGateway(g.Public)
	g.Configure(t, c)
	t.Cleanup(func() { g.cleanup(t) })
	g.Start(t)
	return g
}

// Configure writes the configuration for the next start or reload. The store stays the same unless c.Store is set.
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

// Start starts a gateway that is not running, and returns when it is ready. Its addresses do not change.
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

// must calls do with a context that ends after Timeout. It fails the test if do returns an error.
func (g *Gateway) must(t testing.TB, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatalf("%v; end of the log output:\n%s", err, g.logs.tail(20))
	}
}

// Stop ends the gateway with SIGINT. It fails the test if the exit code is not 0 or a plugin process does not end.
func (g *Gateway) Stop(t testing.TB) {
	t.Helper()
	g.must(t, g.child.Stop)
}

// AwaitExit waits until the gateway has ended without a signal. It fails the test if the exit code is not 0.
func (g *Gateway) AwaitExit(t testing.TB) {
	t.Helper()
	g.must(t, func(ctx context.Context) error {
		select {
		case <-g.child.Exited():
		case <-ctx.Done():
			return ctx.Err()
		}
		if code := g.child.ExitCode(); code != 0 {
			return fmt.Errorf("exit code %d", code)
		}
		return nil
	})
}

// Kill ends the gateway with SIGKILL. It fails the test if a plugin process does not end.
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

// Logs returns all lines of the log output since the first start.
func (g *Gateway) Logs() []Line { return g.logs.lines.All() }

// PluginProcess waits for a running plugin process of the adapter with this name and returns it.
func (g *Gateway) PluginProcess(t testing.TB, name string) Process {
	t.Helper()
	var found Process
	Eventually(t, Timeout, "a plugin process of "+name, func() string {
		for _, p := range g.PluginProcesses() {
			if p.Comm == name {
				found = p
				return ""
			}
		}
		return "none is running"
	})
	return found
}

// PluginProcesses returns the plugin processes that are running.
func (g *Gateway) PluginProcesses() []Process { return g.child.PluginProcesses() }

// cleanup ends the gateway if it is running, and prints the end of the log output if the test failed.
func (g *Gateway) cleanup(t testing.TB) {
	if t.Failed() {
		t.Logf("end of the gateway's log output:\n%s", g.logs.tail(40))
	}
	if g.child.Running() {
		g.world.ClearFaults()
		ctx, cancel := context.WithTimeout(context.Background(), Timeout)
		defer cancel()
		if err := g.child.Stop(ctx); err != nil {
			t.Errorf("%v; end of the log output:\n%s", err, g.logs.tail(20))
		}
	}
	for _, p := range g.child.Kill() {
		t.Errorf("%s was running after the end of the gateway", p)
	}
}
