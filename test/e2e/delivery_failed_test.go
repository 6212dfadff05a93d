package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// refuseMessages makes the bot refuse n messages, or all messages if n is 0.
func (s *system) refuseMessages(n int) {
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: botwebhook.EndpointMessage, Status: http.StatusNotFound, Count: n,
	})
}

func TestBotOutageOffersTheDesk(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Routes: `
  - name: bot-down
    event: delivery_failed
    from: bot
    say: Our assistant is ill. I am looking for an agent.
    offer: desk
`})
	s.refuseMessages(0)
	s.say(t, "ann", "my question")
	s.expect(t, "ann", "system", "Our assistant is ill. I am looking for an agent.")
	s.awaitQueue(t, "ann")
	s.say(t, "ann", "and another one")
	if err := s.Desk.Accept(deskID("ann"), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.awaitChat(t, deskID("ann"), aicc.StateActive)
	s.agentSays(t, "ann", "This is Kim.")
	s.expect(t, "ann", "agent", "This is Kim.")
	s.expectAtDesk(t, "ann", "my question")
	s.expectAtDesk(t, "ann", "and another one")
	if n := s.Metric(t, "patchbay_dead_letters_total", "channel", "faq"); n != 0 {
		t.Errorf("%v dead letters, want none: the messages move with control", n)
	}
	s.expectNothingPending(t, "ann")
}

// The lane is blocked until an operator replays the dead letter. A restart does not change this.
func TestBlockedLaneContinuesAfterAReplay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Extra: map[string][]string{"faq": {"delivery: {then: block}"}}, Routes: "[]",
	})
	s.refuseMessages(1)
	s.say(t, "ann", "one")
	var dead []struct {
		ID     string
		Blocks bool
	}
	harness.Eventually(t, harness.Timeout, "a dead letter", func() string {
		got := s.Run(t, "dead", "list", "-o", "json")
		if err := json.Unmarshal([]byte(got.Stdout), &dead); err != nil || len(dead) != 1 || !dead[0].Blocks {
			return got.Stdout + got.Stderr
		}
		return ""
	})
	s.say(t, "ann", "two")
	s.say(t, "ben", "other")
	s.expect(t, "ben", "bot", "You said: other")
	s.Restart(t)
	if pending := s.TraceOne(t, "ann").Pending; len(pending) != 1 || pending[0].Reason !=
		"the lane stops at dead letter "+dead[0].ID+", until it is replayed or dropped" {
		t.Errorf("pending %+v, want one delivery that waits for the dead letter", pending)
	}
	if again := s.Run(t, "dead", "replay", dead[0].ID); again.Code != 0 {
		t.Fatalf("dead replay: code %d\n%s%s", again.Code, again.Stdout, again.Stderr)
	}
	s.expect(t, "ann", "bot", "You said: one")
	s.expect(t, "ann", "bot", "You said: two")
	s.expectNothingPending(t, "ann")
}
