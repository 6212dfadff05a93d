package e2e

import (
	"net/http"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/test/harness"
)

// newHandoffSystem returns a system with a customer channel for hand-offs of GPTBots. lines are added to the channel.
func newHandoffSystem(t *testing.T, lines ...string) *system {
	t.Helper()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Omit: []string{"livechat"},
		Define: map[string]string{"handoff": `
adapter: botwebhook
role: customer
owner: faq
allow: [127.0.0.0/8]
settings:
  base_url: ${env:GPTBOTS_URL}
  api_key: ${env:GPTBOTS_API_KEY}
  webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}
` + strings.Join(lines, "\n")},
		Routes: `
  - name: agent-wanted
    event: handover_requested
    from: handoff
    say: ` + noticeLooking + `
    offer: {to: desk, within: 60s, hold: true}
  - name: agent-left
    event: disconnected
    from: agent
    say: Goodbye.
    close: true
  - name: customer-left
    event: disconnected
    from: handoff
    close: true
`,
	})
	return s
}

// queuedUser waits for a customer in the desk's queue and returns the id.
func (s *system) queuedUser(t *testing.T) (user string) {
	t.Helper()
	if err := s.Desk.Events.Wait(harness.TestContext(t), func([]aicc.Event) bool {
		for _, c := range s.Desk.Waiting() {
			user = c.User
		}
		return user != ""
	}); err != nil {
		t.Fatalf("the desk's queue is empty: %v", err)
	}
	return user
}

func awaitAgentText(t *testing.T, h *botwebhook.Handoff, text string) {
	t.Helper()
	if err := h.AgentMessages.Wait(harness.TestContext(t), func(all []botwebhook.AgentMessage) bool {
		return len(all) > 0 && all[len(all)-1].Text == text
	}); err != nil {
		t.Fatalf("the customer does not get %q: %v; got %q", text, err, agentTexts(h))
	}
}

func TestHandoffToTheDeskAndBack(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	h, err := s.Bots.Handoff(harness.TestContext(t), botwebhook.User{UserID: "u-77", Dialogue: []botwebhook.Line{
		{Type: "QUESTION", Text: "Where is my parcel?"}, {Type: "ANSWER", Text: "I do not know."},
	}})
	if err != nil {
		t.Fatal(err)
	}
	awaitAgentText(t, h, noticeLooking)
	chat := s.queuedUser(t)
	if err := s.Desk.Accept(chat, "Kim"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Say(chat, "This is Kim."); err != nil {
		t.Fatal(err)
	}
	awaitAgentText(t, h, "This is Kim.")
	if _, err := h.Say(harness.TestContext(t), "It is parcel 17."); err != nil {
		t.Fatal(err)
	}
	if err := s.Desk.Events.Wait(harness.TestContext(t), func([]aicc.Event) bool {
		texts := strings.Join(s.chatTexts(chat), "\n")
		return strings.Contains(texts, "Customer: Where is my parcel?") &&
			strings.Contains(texts, "Assistant: I do not know.") && strings.Contains(texts, "It is parcel 17.")
	}); err != nil {
		t.Fatalf("texts are missing at the desk: %v; got %q", err, s.chatTexts(chat))
	}
	if err := s.Desk.Hangup(chat); err != nil {
		t.Fatal(err)
	}
	end, err := h.Wait(harness.TestContext(t))
	if err != nil || end != botwebhook.ByAgent {
		t.Errorf("the hand-off ended with %q, %v; want %q", end, err, botwebhook.ByAgent)
	}
	awaitAgentText(t, h, "Goodbye.")
	s.expectNoProblems(t)
}

func TestCustomerEndsAHandoff(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	h, err := s.Bots.Handoff(harness.TestContext(t), botwebhook.User{
		AnonymousID: "anon-1", Dialogue: []botwebhook.Line{{Type: "QUESTION", Text: "hello"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	chat := s.queuedUser(t)
	if err := s.Desk.Accept(chat, "Kim"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Say(chat, "This is Kim."); err != nil {
		t.Fatal(err)
	}
	awaitAgentText(t, h, "This is Kim.")
	if out, err := h.Close(harness.TestContext(t)); err != nil || out.Status != http.StatusOK {
		t.Errorf("close: %+v, %v", out, err)
	}
	s.awaitChat(t, chat, aicc.StateLeft)
}

// GPTBots checks webhook addresses with calls without a message. The vendor's pages show only the member istest.
func TestWebhookCheckIsAnswered(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	if err := s.Bots.PushRaw("check", []byte(`{"istest":true}`)); err != nil {
		t.Fatal(err)
	}
	out, err := s.Bots.Outcomes.Next(harness.TestContext(t), 0)
	if err != nil || !out[0].Accepted || out[0].Attempts != 1 {
		t.Errorf("check: %+v, %v", out, err)
	}
	s.expectNoProblems(t)
}
