package crash

import (
	"fmt"
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestVendorOutage makes all calls to GPTBots fail for some seconds while customers continue. The calls hang, are
// reset, or get an error status, and have no effect. After the outage, all messages must arrive once and in order, and
// none may become a dead letter.
func TestVendorOutage(t *testing.T) {
	t.Parallel()
	tr := newTraffic(t, seed(t))
	g := harness.NewGateway(t, tr.w, harness.Config{
		Routes: "[]", Extra: map[string][]string{"faq": {"delivery: {timeout: 3s}"}},
	})
	tr.start(40, 60, 12)
	bots := &tr.w.Bots.Faults
	harness.Eventually(t, harness.Timeout, "20 questions", func() string {
		return waitReason(tr.w.Bots.SendCalls.Len() >= 20, "%d questions", tr.w.Bots.SendCalls.Len())
	})
	const hanging = 6
	down := time.Now()
	bots.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: "message", Count: hanging})
	for range 20 {
		bots.Add(simulator.Fault{Kind: simulator.Reset, Count: 1})
		bots.Add(simulator.Fault{Kind: simulator.Status, Count: 1})
	}
	bots.Add(simulator.Fault{Kind: simulator.Status, Status: 503})
	before := tr.w.Bots.SendCalls.Len()
	// The hanging calls must time out before the end of the outage. Otherwise Clear would release them, and they would
	// have an effect.
	var hung time.Time
	harness.Eventually(t, harness.Timeout, "the hanging calls time out", func() string {
		if hits := bots.Hits.Len(); hits > hanging && hung.IsZero() {
			hung = time.Now()
		}
		return waitReason(!hung.IsZero() && time.Since(hung) > 6*time.Second, "%d calls failed", bots.Hits.Len())
	})
	during := tr.sent.Len()
	if n := tr.w.Bots.SendCalls.Len() - before; n > 3 { // calls in flight at the start of the outage
		t.Errorf("%d calls succeeded during the outage", n)
	}
	bots.Clear()
	tr.customers.Wait()
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, nil))
	v.report(t)
	t.Logf("outage=%s hits=%d accepted_during_outage=%d %s",
		time.Since(down).Round(time.Millisecond), bots.Hits.Len(), during, v.tally)
	if v.tally.dead+v.tally.fenced+v.tally.dropped > 0 || v.tally.messages != 40*12 {
		t.Errorf("want all messages delivered: %s", v.tally)
	}
}

// waitReason formats the reason to wait, or returns "" if done.
func waitReason(done bool, format string, args ...any) string {
	if done {
		return ""
	}
	return fmt.Sprintf(format, args...)
}
