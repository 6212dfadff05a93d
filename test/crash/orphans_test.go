package crash

import (
	"syscall"
	"testing"
	"time"

	"patchbay/test/harness"
)

// TestOrphans: adapters do not outlive a gateway that had no chance to end them.
func TestOrphans(t *testing.T) {
	w := harness.NewWorld(t, harness.Vendors{})
	g := harness.NewGateway(t, w, harness.Config{})
	var adapters []harness.Process
	for _, name := range []string{"native", "botwebhook", "aicc"} {
		adapters = append(adapters, g.Plugin(t, name))
	}
	if err := syscall.Kill(g.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 5*time.Second, "the adapters end with their gateway", func() string {
		for _, p := range adapters {
			if p.Running() {
				return p.String() + " runs"
			}
		}
		return ""
	})
	g.AwaitExit(t)
}
