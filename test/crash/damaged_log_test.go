package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestDamagedLog damages the log of a killed gateway with pending deliveries. One wrong bit must lose no message. Wrong
// bytes may lose only the messages in the damaged records.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bytes   int // number of wrong bytes; 0 means one wrong bit
		maxLost int
	}{
		"one bit":  {0, 0},
		"64 bytes": {64, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTraffic(t, seed(t))
			tr.w.Bots.Faults.Add(simulator.Fault{Kind: simulator.Status, Status: 503})
			g := harness.NewGateway(t, tr.w, harness.Config{Routes: "[]"})
			rnd := newRand(tr.seed, "damage", name)
			const customers, each = 20, 3
			for n := 1; n <= each; n++ {
				for i := range customers {
					user := fmt.Sprintf("c%02d", i)
					tr.say(rnd, user, messageID(user, n), messageID(user, n)+" hello")
				}
			}
			g.Kill(t)
			blocks, err := filepath.Glob(filepath.Join(g.Store, "jetstream/$G/streams/patchbay_log_0/msgs/*.blk"))
			if err != nil || len(blocks) != 1 {
				t.Fatalf("blocks %v, %v, want one", blocks, err)
			}
			block, err := os.ReadFile(blocks[0])
			if err != nil {
				t.Fatal(err)
			}
			at := rnd.IntN(len(block) - test.bytes)
			block[at] ^= 1 << rnd.IntN(8)
			for i := range test.bytes {
				block[at+i] = ^block[at+i]
			}
			if err := os.WriteFile(blocks[0], block, 0o600); err != nil {
				t.Fatal(err)
			}
			tr.w.Bots.Faults.Clear()
			g.Start(t)
			tr.finish(t, g)
			arrived := map[string]bool{}
			for _, q := range tr.w.Bots.SendCalls.All() {
				arrived[tr.questionName(t, q)] = true
			}
			lost := customers*each - len(arrived)
			t.Logf("changed %d bytes at %d of %d, lost %d of %d messages, missing records %v", test.bytes, at, len(block),
				lost, customers*each, g.Metric(t, "patchbay_store_missing_records"))
			if lost > test.maxLost {
				t.Errorf("lost %d messages, want at most %d", lost, test.maxLost)
			}
		})
	}
}
