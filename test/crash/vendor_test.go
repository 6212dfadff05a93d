package crash

import (
	"fmt"
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestVendorDown: for a while every call of GPTBots fails, in every way that has no effect, while customers go on. Afterwards
// everything arrives, in order, once, and nothing was given up.
func TestVendorDown(t *testing.T) {
	tr := newTraffic(t, seed(t))
	g := harness.NewGateway(t, tr.w, harness.Config{
		Routes: "[]", Extra: map[string][]string{"faq": {"delivery: {timeout: 3s}"}},
	})
	tr.begin(40, 60, 12)
	bots := &tr.w.Bots.Faults
	harness.Eventually(t, harness.Patience, "some answers", func() string {
		return wait(tr.w.Bots.Asked.Len() >= 20, "%d questions", tr.w.Bots.Asked.Len())
	})
	const hanging = 6
	down := time.Now()
	bots.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: "message", Count: hanging})
	for range 20 {
		bots.Add(simulator.Fault{Kind: simulator.Reset, Count: 1})
		bots.Add(simulator.Fault{Kind: simulator.Status, Count: 1})
	}
	bots.Add(simulator.Fault{Kind: simulator.Status, Status: 503})
	before := tr.w.Bots.Asked.Len()
	// What hangs must have been left by the gateway before the end: released, it would be an effect that nobody waits for.
	var hung time.Time
	harness.Eventually(t, harness.Patience, "the outage", func() string {
		if hits := bots.Hits.Len(); hits > hanging && hung.IsZero() {
			hung = time.Now()
		}
		return wait(!hung.IsZero() && time.Since(hung) > 6*time.Second, "%d calls failed", bots.Hits.Len())
	})
	during := tr.said.Len()
	if n := tr.w.Bots.Asked.Len() - before; n > 3 { // calls that were under way when it began
		t.Errorf("%d calls got through the outage", n)
	}
	bots.Clear()
	tr.customers.Wait()
	tr.finish(t, g)
	v := judge(tr.gather(t, g, nil))
	v.report(t)
	t.Logf("outage=%s hits=%d taken_meanwhile=%d %s", time.Since(down).Round(time.Millisecond), bots.Hits.Len(), during, v.tally)
	if v.tally.dead+v.tally.fenced+v.tally.dropped > 0 || v.tally.messages != 40*12 {
		t.Errorf("not everything was delivered: %s", v.tally)
	}
}

// wait is a reason to wait until done.
func wait(done bool, format string, args ...any) string {
	if done {
		return ""
	}
	return fmt.Sprintf(format, args...)
}
