package crash

import (
	"syscall"
	"testing"
	"time"

	"patchbay/test/harness"
)

// TestAdaptersEndWithGateway checks that adapters exit after a kill of their gateway.
func TestAdaptersEndWithGateway(t *testing.T) {
	w := harness.NewWorld(t, harness.Vendors{})
	g := harness.NewGateway(t, w, harness.Config{})
	var adapters []harness.Process
	for _, name := range []string{"native", "botwebhook", "aicc"} {
		adapters = append(adapters, g.Plugin(t, name))
	}
	if err := syscall.Kill(g.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 5*time.Second, "the adapters exit with their gateway", func() string {
		for _, p := range adapters {
			if p.Running() {
				return p.String() + " is running"
			}
		}
		return ""
	})
	g.AwaitExit(t)
}
