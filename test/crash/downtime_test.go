package crash

import (
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestAnswerBeforeItsThread: an agent takes a customer and speaks before the gateway has the answer to its question, so that
// it does not know yet whom the words are for. It has taken them, though, and is killed, and is away for longer than it would
// wait for a thread to become known.
func TestAnswerBeforeItsThread(t *testing.T) {
	tr := newTraffic(t, seed(t))
	release := make(chan struct{})
	tr.hold = func() {
		if tr.w.Desk.Count("CONNECT") > 0 {
			select {
			case <-release:
			case <-tr.ctx.Done():
			}
		}
	}
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: `
  - name: ask-for-a-person
    from: customer
    when: owner_role == "bot" && mentions(["agent"])
    offer: {to: desk, within: 60s}
`})
	rnd := chance(tr.seed, "early")
	tr.say(rnd, "c00", "c00-001", "c00-001 an agent please")
	harness.Eventually(t, harness.Patience, "the desk is asked", func() string {
		return wait(len(tr.w.Desk.Waiting()) == 1, "%+v", tr.w.Desk.Chats())
	})
	user := tr.w.Desk.Waiting()[0].User
	if err := tr.w.Desk.Accept(user, "Ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.w.Desk.Say(user, "line #1"); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, harness.Patience, "the gateway takes what the agent says", func() string {
		_, open := tr.pushes()
		return wait(open == 0, "%d pushes are under way", open)
	})
	killed := time.Now()
	g.Kill(t)
	close(release)
	pause(tr.ctx, 6*time.Second) // it waits five
	tr.w.Desk.Faults.Add(simulator.Fault{Kind: simulator.Slow, Endpoint: "send", Delay: time.Second, Count: 1})
	g.Start(t)
	tr.say(rnd, "c01", "c01-001", "c01-001 hello") // life goes on before the desk has answered
	harness.Eventually(t, harness.Patience, "the customer's message reaches the agent", func() string {
		c, _ := tr.w.Desk.Chat(user)
		return wait(c.State == "active" && len(c.Lines) >= 4, "%+v", c)
	})
	tr.finish(t, g)
	v := judge(tr.gather(t, g, []incident{{from: killed, to: time.Now()}}))
	v.report(t)
	if v.tally.delivered != 4 || v.tally.handovers != 1 {
		t.Errorf("two messages, an answer and the agent's line were to be delivered: %s", v.tally)
	}
}
