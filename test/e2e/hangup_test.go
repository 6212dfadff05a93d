package e2e

import (
	"context"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// The agent has hung up, and the push with this event hangs. A message goes to the bot after the push, and the customer
// is not in the desk's queue.
func TestMessageDuringAHangupGoesToTheBot(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"session expired": "", "documented text": aicc.ReasonSend} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkMessageDuringHangup(t, newSystem(t, harness.Vendors{Desk: aicc.Options{NoSession: text}}, harness.Config{}))
		})
	}
}

func checkMessageDuringHangup(t *testing.T, s *system) {
	t.Helper()
	s.connectAgent(t, "ann")
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: aicc.EndpointPush, Count: 1})
	if err := s.Desk.Hangup(deskID("ann")); err != nil {
		t.Fatal(err)
	}
	withTimeout(t, harness.Timeout, "the push hangs", func(ctx context.Context) error {
		return s.Desk.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 1 })
	})
	refused := s.Desk.Problems.Len()
	s.say(t, "ann", "One more thing.")
	harness.Eventually(t, harness.Timeout, "the desk refuses the message because the session has ended", func() string {
		if s.Desk.Problems.Len() == refused {
			return "not yet"
		}
		return ""
	})
	s.expectNothingPending(t, "ann")
	s.Desk.Faults.Clear()
	s.expectHandover(t, "ann", "Assistant")
	s.expect(t, "ann", "bot", "You said: One more thing.")
	s.expectNothingPending(t, "ann")
	if waiting := s.Desk.Waiting(); len(waiting) > 0 {
		t.Errorf("%s is in the desk's queue, but the bot is the owner", waiting[0].User)
	}
}
