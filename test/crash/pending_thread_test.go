package crash

import (
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestAnswerOnPendingThread sends an agent's line before the gateway has the response to its call that opens the
// thread. The line then belongs to a pending thread. The gateway is killed, and starts again after a time in which a
// running gateway would have given up the pending thread.
func TestAnswerOnPendingThread(t *testing.T) {
	t.Parallel()
	tr := newTraffic(t, seed(t))
	release := make(chan struct{})
	tr.beforeResponse = func() {
		if tr.w.Desk.Count("CONNECT") > 0 {
			select {
			case <-release:
			case <-tr.ctx.Done():
			}
		}
	}
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: `
  - name: offer-to-desk
    from: customer
    when: owner_role == "bot" && mentions(["agent"])
    offer: {to: desk, within: 60s}
`})
	rnd := newRand(tr.seed, "pending thread")
	tr.say(rnd, "c00", "c00-001", "c00-001 an agent please")
	harness.Eventually(t, harness.Timeout, "the desk has an offer", func() string {
		return waitReason(len(tr.w.Desk.Waiting()) == 1, "%+v", tr.w.Desk.Chats())
	})
	user := tr.w.Desk.Waiting()[0].User
	if err := tr.w.Desk.Accept(user, "Ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.w.Desk.Say(user, "line #1"); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, harness.Timeout, "the gateway accepts the agent's line", func() string {
		_, open := tr.pushes()
		return waitReason(open == 0, "%d pushes are running", open)
	})
	killed := time.Now()
	g.Kill(t)
	close(release)
	pause(tr.ctx, 6*time.Second) // a gateway keeps envelopes of a pending thread for five seconds
	tr.w.Desk.Faults.Add(simulator.Fault{Kind: simulator.Slow, Endpoint: "send", Delay: time.Second, Count: 1})
	g.Start(t)
	tr.say(rnd, "c01", "c01-001", "c01-001 hello") // another customer writes before the desk answers
	harness.Eventually(t, harness.Timeout, "the customer's message reaches the agent", func() string {
		c, _ := tr.w.Desk.Chat(user)
		return waitReason(c.State == "active" && len(c.Lines) >= 4, "%+v", c)
	})
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, []incident{{from: killed, to: time.Now()}}))
	v.report(t)
	if v.tally.delivered != 4 || v.tally.handovers != 1 {
		t.Errorf("want two messages, an answer and the agent's line delivered: %s", v.tally)
	}
}
