package e2e

import (
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/test/harness"
)

// silentBot does not answer.
var silentBot = harness.Vendors{Bots: botwebhook.Options{
	Answer: func(botwebhook.Conversation, []botwebhook.Message) []botwebhook.Answer { return nil },
}}

const timerRules = `
  - name: bot-silent
    event: unanswered
    from: bot
    after: 1s
    say: The assistant does not answer. I am looking for a colleague.
    offer: desk
  - name: still-there
    event: idle
    after: 1s
    say: Are you still there?
  - name: ended
    event: closed
    when: reason == "operator"
    say: The conversation has ended.
`

// The bot does not answer, and the gateway is killed in this time. After the next start, the conversation is offered to
// the desk once.
func TestSilentBotIsReplacedByTheDesk(t *testing.T) {
	t.Parallel()
	s := newSystem(t, silentBot, harness.Config{Routes: timerRules})
	s.say(t, "ann", "hello?")
	s.botCall(t, "hello?")
	s.Kill(t)
	s.Start(t)
	started := time.Now()
	s.expect(t, "ann", "system", "The assistant does not answer. I am looking for a colleague.")
	if waited := time.Since(started); waited < time.Second/2 {
		t.Errorf("the rule was run %v after the start", waited)
	}
	s.awaitQueue(t, "ann")
	if err := s.Desk.Accept(deskID("ann"), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, "ann", "This is Kim.")
	s.expectHandover(t, "ann", "Service team")
	s.expect(t, "ann", "agent", "This is Kim.")
	s.expect(t, "ann", "system", "Are you still there?")
	if got := s.textsFrom("ann", "system"); len(got) != 2 {
		t.Errorf("notices %q, want each once", got)
	}
	if r := s.Run(t, "conversation", "close", s.TraceOne(t, "ann").ID, "--reason", "end of the test"); r.Code != 0 {
		t.Fatalf("conversation close: code %d\n%s", r.Code, r.Stderr)
	}
	s.expect(t, "ann", "system", "The conversation has ended.")
}
