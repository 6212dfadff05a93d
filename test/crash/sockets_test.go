package crash

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestKilledGatewayLeavesNoSockets checks that a gateway removes the socket folders of killed gateways.
func TestKilledGatewayLeavesNoSockets(t *testing.T) {
	for name, store := range map[string]string{
		"below the store":      "",
		"too long for sockets": strings.Repeat("long", 20),
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
			unused, used := temporary, own
			count := 1 // of the running process
			if store != "" {
				unused, used, count = own, temporary, 3 // one for each adapter
			}
			if found := in(unused); len(found) != 0 {
				t.Errorf("folders %q exist, want none", found)
			}
			found := in(used)
			for _, folder := range found {
				if !strings.Contains(folder, strconv.Itoa(g.PID)) {
					t.Errorf("folder %s does not belong to the running process %d", folder, g.PID)
				}
			}
			if len(found) != count {
				t.Errorf("%d folders for sockets, want %d: %q", len(found), count, found)
			}
			g.Stop(t)
			if found := append(in(temporary), in(own)...); len(found) != 0 {
				t.Errorf("folders %q exist after an orderly stop, want none", found)
			}
		})
	}
}
