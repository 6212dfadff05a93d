package crash

import (
	"testing"
	"time"

	"patchbay/test/harness"
)

// TestAdaptersEndWithGateway checks that plugin processes exit after a kill of their gateway.
func TestAdaptersEndWithGateway(t *testing.T) {
	w := harness.NewWorld(t, harness.Vendors{})
	g := harness.NewGateway(t, w, harness.Config{})
	var adapters []harness.Process
	for _, name := range []string{"native", "botwebhook", "aicc"} {
		adapters = append(adapters, g.PluginProcess(t, name))
	}
	began := time.Now()
	g.Kill(t) // waits for the adapters
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the adapters ended after %s, want at most 5s", took)
	}
	for _, p := range adapters {
		if p.Running() {
			t.Errorf("%s is running", p)
		}
	}
}
