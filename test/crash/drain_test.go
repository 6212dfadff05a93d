package crash

import (
	"fmt"
	"testing"
	"time"

	"patchbay/test/harness"
)

// drainTime is how long everything may take to come to an end after the last fault: a circuit breaker rests ten
// seconds, an offer five, and a delivery that failed often backs off for longer.
const drainTime = 60 * time.Second

// finish lets the customers end, then the agents and bots, and returns when nothing is on its way any more.
func (tr *traffic) finish(t *testing.T, g *harness.Gateway) {
	t.Helper()
	tr.hush()
	tr.customers.Wait()
	tr.drain(t, g)
	tr.gong()
	tr.staffed.Wait()
	tr.drain(t, g)
}

// drain waits until no vendor has anything to push, and the gateway has nothing that waits, also not in between.
func (tr *traffic) drain(t *testing.T, g *harness.Gateway) {
	t.Helper()
	looked, waiting := time.Now(), ""
	harness.Eventually(t, drainTime, "everything comes to an end", func() string {
		pushed, pushing := tr.pushes()
		metrics := g.Scrape(t)
		queued, offers := harness.Sum(metrics["patchbay_deliveries_pending"]), harness.Sum(metrics["patchbay_offers_pending"])
		after, _ := tr.pushes()
		if pushing+after-pushed == 0 && queued == 0 && offers == 0 {
			return ""
		}
		if time.Since(looked) > 10*time.Second { // reads the whole log
			looked, waiting = time.Now(), tr.waiting(t, g)
		}
		return fmt.Sprintf("%d pushes under way, %v deliveries queued, %v offers pending: %s", pushing, queued, offers, waiting)
	})
}

// pushes returns how many pushes the vendors began, and how many of them have not ended.
func (tr *traffic) pushes() (begun, open int64) {
	openBots, bots := tr.w.Bots.Pending()
	openDesk, desk := tr.w.Desk.Pending()
	return bots + desk, openBots + openDesk
}

// waiting tells of one delivery why it waits.
func (tr *traffic) waiting(t *testing.T, g *harness.Gateway) string {
	t.Helper()
	e := &evidence{said: tr.said.All()}
	for _, trail := range g.Trace(t, e.users()...) {
		if len(trail.Pending) > 0 {
			return fmt.Sprintf("%s: %+v, after %+v", trail.State.Customer, trail.Pending[0], trail.Entries[max(0, len(trail.Entries)-12):])
		}
	}
	return "nothing waits by the trails"
}
