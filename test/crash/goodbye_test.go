package crash

import (
	"fmt"
	"testing"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestGoodbyeRepeated: the desk is told that a question is withdrawn, and the answer to that call is lost, as by a kill. The
// repeated call is refused by the desk, since the session is over; this must not keep the customer from asking again.
func TestGoodbyeRepeated(t *testing.T) {
	tr := newTraffic(t, seed(t))
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: `
  - name: ask-for-a-person
    from: customer
    when: owner_role == "bot" && mentions(["agent"])
    offer: {to: desk, within: 1s}
`})
	const connectAndGoodbye = 1 // calls before the one whose answer is lost
	tr.w.Desk.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: "send", Skip: connectAndGoodbye, Count: 1})
	rnd := chance(tr.seed, "goodbye")
	tr.say(rnd, "c00", "c00-001", "c00-001 an agent please")
	harness.Eventually(t, harness.Patience, "the desk is told that nobody waits any more", func() string {
		n := tr.w.Desk.Count("DISCONNECT")
		return wait(n == 1 && tr.w.Desk.Faults.Hits.Len() == 1, "%d times", n)
	})
	tr.drain(t, g)
	tr.say(rnd, "c00", "c00-002", "c00-002 an agent please")
	harness.Eventually(t, harness.Patience, "the desk is asked again", func() string {
		return wait(tr.w.Desk.Count("CONNECT") == 2, "%+v", tr.w.Desk.Chats())
	})
	tr.finish(t, g)
	v := judge(tr.gather(t, g, nil))
	v.report(t)
	if open, want := fmt.Sprint(g.Only(t, "c00").State.Offer), ""; open != want {
		t.Errorf("the offer to %q is open after the end", open)
	}
}
