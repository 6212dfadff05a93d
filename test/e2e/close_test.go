package e2e

import (
	"fmt"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/test/harness"
)

// The message that closes the conversation is delivered. The customer's next message opens another conversation.
func TestRuleClosesAConversation(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Routes: harness.Routes + `
  - name: good-bye
    from: customer
    when: mentions(["bye"])
    say: Good bye.
    close: true
`})
	s.connectAgent(t, "ann")
	s.say(t, "ann", "Thank you, bye")
	s.expect(t, "ann", "system", "Good bye.")
	s.expectAtDesk(t, "ann", "Thank you, bye")
	s.expectNothingPending(t, "ann")
	s.awaitChat(t, deskID("ann"), aicc.StateLeft)
	first := s.Trace(t, "ann")
	if len(first) != 1 || first[0].Live || len(first[0].Find("closed")) != 1 {
		t.Fatalf("trail: %+v; want one ended conversation, closed once", first)
	}
	s.say(t, "ann", "Do you remember me?")
	s.expect(t, "ann", "bot", "You said: Do you remember me?")
	harness.Eventually(t, 10*time.Second, "trace finds two conversations", func() string {
		if n := len(s.Trace(t, first[0].ID, "ann")); n != 2 {
			return fmt.Sprint(n)
		}
		return ""
	})
	s.expectNoProblems(t)
}
