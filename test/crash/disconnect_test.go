package crash

import (
	"fmt"
	"testing"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestRepeatedDisconnect drops the response to the call that withdraws an offer at the desk, as a kill would do. The
// desk refuses the repeated call because the session has ended. The next offer of the customer must still reach the
// desk.
func TestRepeatedDisconnect(t *testing.T) {
	t.Parallel()
	tr := newTraffic(t, seed(t))
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: `
  - name: offer-to-desk
    from: customer
    when: owner_role == "bot" && mentions(["agent"])
    offer: {to: desk, within: 1s}
`})
	const callsBefore = 1 // CONNECT
	tr.w.Desk.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: "send", Skip: callsBefore, Count: 1})
	rnd := newRand(tr.seed, "disconnect")
	tr.say(rnd, "c00", "c00-001", "c00-001 an agent please")
	harness.Eventually(t, harness.Timeout, "the desk gets the disconnect call", func() string {
		n := tr.w.Desk.Count("DISCONNECT")
		return waitReason(n == 1 && tr.w.Desk.Faults.Hits.Len() == 1, "%d times", n)
	})
	tr.waitUntilIdle(t, g)
	tr.say(rnd, "c00", "c00-002", "c00-002 an agent please")
	harness.Eventually(t, harness.Timeout, "the desk has another offer", func() string {
		return waitReason(tr.w.Desk.Count("CONNECT") == 2, "%+v", tr.w.Desk.Chats())
	})
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, nil))
	v.report(t)
	if open, want := fmt.Sprint(g.TraceOne(t, "c00").State.Offer), ""; open != want {
		t.Errorf("the offer to %q is still pending", open)
	}
}
