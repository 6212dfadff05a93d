package crash

import (
	"fmt"
	"testing"
	"time"

	"patchbay/test/harness"
)

// drainTime limits the time until all deliveries end after the last fault. A circuit breaker opens for ten seconds, an
// offer lasts five, and repeated failures cause longer delays.
const drainTime = 60 * time.Second

// finish stops the customers, then agents and bots, and waits for all deliveries.
func (tr *traffic) finish(t *testing.T, g *harness.Gateway) {
	t.Helper()
	tr.stopCustomers()
	tr.customers.Wait()
	tr.drain(t, g)
	tr.stopStaff()
	tr.staff.Wait()
	tr.drain(t, g)
}

// unfinished are the metrics of what the gateway still has to do.
var unfinished = []string{
	"patchbay_deliveries_pending", "patchbay_offers_pending", "patchbay_departures_pending", "patchbay_envelopes_pending",
}

// drain waits until no vendor pushes and the gateway has nothing unfinished, at the same time.
func (tr *traffic) drain(t *testing.T, g *harness.Gateway) {
	t.Helper()
	looked, waiting := time.Now(), ""
	harness.Eventually(t, drainTime, "all deliveries end", func() string {
		pushed, pushing := tr.pushes()
		metrics := g.Scrape(t)
		left := 0.0
		for _, name := range unfinished {
			left += harness.Sum(metrics[name])
		}
		after, _ := tr.pushes()
		if pushing+after-pushed == 0 && left == 0 {
			return ""
		}
		if time.Since(looked) > 10*time.Second { // reads the whole log
			looked, waiting = time.Now(), tr.describePending(t, g)
		}
		return fmt.Sprintf("%d pushes running, %v deliveries, offers, departures and envelopes pending: %s",
			pushing, left, waiting)
	})
}

// pushes returns the number of pushes that the vendors started, and how many of them have not ended.
func (tr *traffic) pushes() (begun, open int64) {
	openBots, bots := tr.w.Bots.Pending()
	openDesk, desk := tr.w.Desk.Pending()
	return bots + desk, openBots + openDesk
}

// describePending describes one pending delivery.
func (tr *traffic) describePending(t *testing.T, g *harness.Gateway) string {
	t.Helper()
	e := &evidence{messages: tr.sent.All()}
	for _, trail := range g.Trace(t, e.users()...) {
		if len(trail.Pending) > 0 {
			newest := trail.Entries[max(0, len(trail.Entries)-12):]
			return fmt.Sprintf("%s: %+v, after %+v", trail.State.Customer, trail.Pending[0], newest)
		}
	}
	return "no pending delivery according to the trails"
}
