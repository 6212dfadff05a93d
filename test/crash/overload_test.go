package crash

import (
	"net/http"
	"testing"
	"time"

	"patchbay/test/harness"
)

// TestOverload sends more messages of 256 customers than the bot can take, and kills the gateway in this time.
// Customers repeat a refused message before the next one. All accepted messages must arrive in order.
func TestOverload(t *testing.T) {
	const customers, each, kills = 256, 4, 2
	tr := newTraffic(t, seed(t))
	g := harness.NewGateway(t, tr.w, harness.Config{
		Routes: "[]", Limits: []string{"limits: {opened_per_minute: 0, queue_age: 500ms}"},
		Extra: map[string][]string{"faq": {"delivery: {concurrency: 4}"}},
	})
	tr.startCustomers(customers, 400, each) // the bot takes about 200 messages per second
	var incidents []incident
	for range kills {
		before := tr.countRefused(http.StatusTooManyRequests)
		harness.Eventually(t, harness.Timeout, "refused messages", func() string {
			n := tr.countRefused(http.StatusTooManyRequests) - before
			return waitReason(n >= customers/4, "%d messages were refused", n)
		})
		killed := time.Now()
		g.Kill(t)
		g.Start(t)
		incidents = append(incidents, incident{from: killed, to: time.Now()})
	}
	tr.customers.Wait()
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, incidents))
	v.report(t)
	t.Logf("refused=%d %s", tr.countRefused(http.StatusTooManyRequests), v.tally)
	if v.tally.messages != customers*each || v.tally.dead+v.tally.fenced+v.tally.dropped > 0 {
		t.Errorf("want all messages delivered: %s", v.tally)
	}
}

func (tr *traffic) countRefused(status int) int {
	n := 0
	for _, r := range tr.refused.All() {
		if r.status == status {
			n++
		}
	}
	return n
}
