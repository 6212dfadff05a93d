package e2e

import (
	"fmt"
	"slices"
	"testing"

	"patchbay/sandbox/botwebhook"
	"patchbay/test/harness"
)

// connectHandoff starts a hand-off, which an agent accepts. It returns the hand-off and the customer's id at the desk.
func (s *system) connectHandoff(t *testing.T, user string) (h *botwebhook.Handoff, chat string) {
	t.Helper()
	h, err := s.Bots.Handoff(harness.TestContext(t), botwebhook.User{UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	chat = s.queuedUser(t)
	if err := s.Desk.Accept(chat, "Kim"); err != nil {
		t.Fatal(err)
	}
	return h, chat
}

func agentTexts(h *botwebhook.Handoff) []string {
	var out []string
	for _, m := range h.AgentMessages.All() {
		out = append(out, m.Text)
	}
	return out
}

func TestHandoffRepliesSurviveFaults(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t, shortTimeout...)
	h, chat := s.connectHandoff(t, "u-1")
	cases := slices.Concat(faultsBefore, faultsAfter(two, oneOrTwo))
	s.checkFaults(t, &s.Bots.Faults, botwebhook.EndpointReceive, "handoff", cases, func(text string) {
		if _, err := s.Desk.Say(chat, text); err != nil {
			t.Fatal(err)
		}
	}, func() []string { return agentTexts(h) })
}

// If the call that ends a hand-off is repeated, the vendor can respond that the hand-off has ended.
func TestHandoffEndSurvivesFaults(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t, shortTimeout...)
	for i, tc := range slices.Concat(faultsBefore, faultsAfter(one, one)) {
		h, chat := s.connectHandoff(t, fmt.Sprintf("u-%d", i))
		f := tc.fault
		f.Endpoint, f.Count = botwebhook.EndpointEnd, 1
		hits := s.Bots.Faults.Hits.Len()
		s.Bots.Faults.Add(f)
		if _, err := s.Desk.Say(chat, "Bye."); err != nil {
			t.Fatal(err)
		}
		if err := s.Desk.Hangup(chat); err != nil {
			t.Fatal(err)
		}
		if end, err := h.Wait(harness.TestContext(t)); err != nil || end != botwebhook.ByAgent {
			t.Errorf("%s: the hand-off ended with %q, %v; want %q", tc.name, end, err, botwebhook.ByAgent)
		}
		s.expectNothingPending(t, h.ID)
		s.Bots.Faults.Release()
		if n := s.Bots.Faults.Hits.Len() - hits; n != 1 {
			t.Errorf("%s: the fault happened %d times, want once", tc.name, n)
		}
		if got, want := agentTexts(h), []string{noticeLooking, "Bye.", "Goodbye."}; !slices.Equal(got, want) {
			t.Errorf("%s: the customer got %q, want %q", tc.name, got, want)
		}
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}

func TestHandoffMessagesOfTheCustomerSurviveFaults(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t, shortTimeout...)
	h, chat := s.connectHandoff(t, "u-1")
	if _, err := s.Desk.Say(chat, "This is Kim."); err != nil {
		t.Fatal(err)
	}
	s.checkFaults(t, &s.Bots.Faults, botwebhook.EndpointChat, "desk", webhookFaults, func(text string) {
		if out, err := h.Say(harness.TestContext(t), text); err != nil || !out.Accepted {
			t.Fatalf("say %q: %+v, %v", text, out, err)
		}
	}, func() []string { return s.chatTexts(chat) })
}
