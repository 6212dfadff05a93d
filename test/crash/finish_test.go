package crash

import (
	"fmt"
	"testing"
	"time"

	"patchbay/test/harness"
)

// idleTimeout is the maximum time from the last fault until all deliveries have ended. A circuit breaker opens for ten
// seconds, an offer lasts five seconds, and repeated failures cause longer delays.
const idleTimeout = 60 * time.Second

// finish stops the customers, then agents and bots, and waits for all deliveries.
func (tr *traffic) finish(t *testing.T, g *harness.Gateway) {
	t.Helper()
	tr.stopCustomers()
	tr.customers.Wait()
	tr.waitUntilIdle(t, g)
	tr.stopStaff()
	tr.staff.Wait()
	tr.waitUntilIdle(t, g)
}

// pendingMetrics lists the metrics of the gateway's pending work.
var pendingMetrics = []string{
	"patchbay_deliveries_pending", "patchbay_offers_pending", "patchbay_departures_pending", "patchbay_envelopes_pending",
}

// waitUntilIdle waits for a moment in which no push is open and the gateway has no pending work.
func (tr *traffic) waitUntilIdle(t *testing.T, g *harness.Gateway) {
	t.Helper()
	looked, waiting := time.Now(), ""
	harness.Eventually(t, idleTimeout, "all deliveries end", func() string {
		pushed, pushing := tr.pushes()
		metrics := g.Scrape(t)
		pending := 0.0
		for _, name := range pendingMetrics {
			pending += harness.Sum(metrics[name])
		}
		after, _ := tr.pushes()
		if pushing+after-pushed == 0 && pending == 0 {
			return ""
		}
		if time.Since(looked) > 10*time.Second { // reads the whole log
			looked, waiting = time.Now(), tr.describePending(t, g)
		}
		return fmt.Sprintf("%d pushes open, %v deliveries, offers, departures and envelopes pending: %s",
			pushing, pending, waiting)
	})
}

// pushes returns the number of all pushes that the vendors began, and the number of those without an outcome.
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
