package crash

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestKilledGatewayLeavesNoSockets: what one gateway could not clean up, the next one does.
func TestKilledGatewayLeavesNoSockets(t *testing.T) {
	for name, store := range map[string]string{
		"below the store":            "",
		"too long for socket's path": strings.Repeat("long", 20),
	} {
		t.Run(name, func(t *testing.T) {
			temp, err := os.MkdirTemp("/tmp", "pb") // short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(temp) })
			t.Setenv("TMPDIR", temp)
			w := harness.NewWorld(t, harness.Vendors{})
			g := harness.NewGateway(t, w, harness.Config{Store: filepath.Join(temp, "store", store)})
			for range 5 {
				g.Kill(t)
				g.Start(t)
			}
			in := func(folders ...string) []string {
				t.Helper()
				found, err := filepath.Glob(filepath.Join(folders...))
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			temporary, own := filepath.Join(temp, "patchbay-*"), filepath.Join(temp, "store", store, "run", "*")
			want := 0
			if store != "" {
				want = 3 // one an adapter, of the gateway that runs
			}
			if found := in(temporary); len(found) != want {
				t.Errorf("%d folders in the temporary directory, want %d: %q", len(found), want, found)
			}
			if found := in(own); len(found) != 1 || filepath.Base(found[0]) != strconv.Itoa(g.PID) {
				t.Errorf("folders %q below the store, want one, of process %d", found, g.PID)
			}
			g.Stop(t)
			if found := append(in(temporary), in(own)...); len(found) != 0 {
				t.Errorf("left after a stop in order: %q", found)
			}
		})
	}
}
