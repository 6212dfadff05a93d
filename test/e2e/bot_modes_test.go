package e2e

import (
	"net/http"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestWaysToAskABot: agents that answer in the call itself, in a stream or by a webhook, in the older and the newer form,
// are the same to the customer.
func TestWaysToAskABot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bots     botwebhook.Options
		settings []string
	}{
		"blocking":            {botwebhook.Options{}, []string{"mode: blocking"}},
		"streaming":           {botwebhook.Options{}, []string{"mode: streaming"}},
		"basic authorization": {botwebhook.Options{WebhookScheme: "Basic"}, []string{"auth: basic"}},
		"echoed questions":    {botwebhook.Options{EchoQuestions: true}, nil},
		"milliseconds":        {botwebhook.Options{Milliseconds: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{Bots: tc.bots}, harness.Config{Settings: map[string][]string{"faq": tc.settings}})
			const user = "bea"
			s.say(t, user, "hello")
			s.expect(t, user, "bot", greeting)
			s.say(t, user, "wie geht's? 你好")
			s.expect(t, user, "bot", "You said: wie geht's? 你好")
			s.connectAgent(t, user)
			s.expectNothingPending(t, user)
			if words := s.textsFrom(user, "bot"); len(words) != 2 {
				t.Errorf("the customer heard %q from the bot, want two answers", words)
			}
			s.expectNoProblems(t)
		})
	}
}

// TestBlockingBotIsNotAskedTwice: a question whose answer got lost may have been asked; it is kept for an operator.
func TestBlockingBotIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Settings: map[string][]string{"faq": {"mode: blocking"}}})
	s.say(t, "dan", "hello")
	s.expect(t, "dan", "bot", greeting)
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: botwebhook.EndpointMessage, Count: 1})
	s.say(t, "dan", "and now?")
	s.say(t, "dan", "next")
	s.expect(t, "dan", "bot", "You said: next")
	n := 0
	for _, a := range s.Bots.Asked.All() {
		if botwebhook.Question(a.Messages) == "and now?" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the bot was asked %d times, want once", n)
	}
	if dead := s.Metric(t, "patchbay_dead_letters_total", "channel", "faq", "reason", "unknown"); dead != 1 {
		t.Errorf("%v dead letters with reason unknown, want 1", dead)
	}
}

// newHandoff is a gateway that takes over the dialogues of a GPTBots agent.
func newHandoffSystem(t *testing.T) *system {
	t.Helper()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Without: []string{"livechat"},
		Define: map[string]string{"handoff": `
adapter: botwebhook
role: customer
owner: faq
allow: [127.0.0.0/8]
settings:
  base_url: ${env:GPTBOTS_URL}
  api_key: ${env:GPTBOTS_API_KEY}
  webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}`},
		Routes: `
  - name: person-wanted
    event: handover_requested
    from: handoff
    say: One moment, I am looking for a colleague.
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
	s.Bots.SetHuman(s.Public + "/webhooks/botwebhook/handoff")
	return s
}

// TestHandoff: a GPTBots agent asks for a person. The desk sees what was said before, the customer hears the agent
// within the waiting limit, and the end at the desk ends the hand-off.
func TestHandoff(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	h, err := s.Bots.Handoff(harness.Soon(t), botwebhook.User{UserID: "u-77", Said: []botwebhook.Line{
		{Type: "QUESTION", Text: "Where is my parcel?"}, {Type: "ANSWER", Text: "I do not know."},
	}})
	if err != nil {
		t.Fatal(err)
	}
	heard := func(text string) {
		t.Helper()
		if err := h.Heard.Wait(harness.Soon(t), func(all []botwebhook.Heard) bool {
			return len(all) > 0 && all[len(all)-1].Text == text
		}); err != nil {
			t.Fatalf("the customer does not hear %q: %v; heard %+v", text, err, h.Heard.All())
		}
	}
	heard(noticeLooking)
	user := s.queuedUser(t)
	if err := s.Desk.Accept(user, "Kim"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Say(user, "This is Kim."); err != nil {
		t.Fatal(err)
	}
	heard("This is Kim.")
	if _, err := h.Say(harness.Soon(t), "It is parcel 17."); err != nil {
		t.Fatal(err)
	}
	if err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
		c, _ := s.Desk.Chat(user)
		lines := ""
		for _, l := range c.Lines {
			lines += l.Text + "\n"
		}
		return strings.Contains(lines, "Customer: Where is my parcel?") && strings.Contains(lines, "Assistant: I do not know.") &&
			strings.Contains(lines, "It is parcel 17.")
	}); err != nil {
		c, _ := s.Desk.Chat(user)
		t.Fatalf("the agent misses words: %v; sees %+v", err, c.Lines)
	}
	if err := s.Desk.Hangup(user); err != nil {
		t.Fatal(err)
	}
	end, err := h.Wait(harness.Soon(t))
	if err != nil || end == botwebhook.TimedOut {
		t.Errorf("the hand-off ended as %q, %v; want by the desk", end, err)
	}
	heard("Goodbye.")
	s.expectNoProblems(t)
}

// TestHandoffThatTheUserEnds: the agent is told that the customer has gone.
func TestHandoffThatTheUserEnds(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	h, err := s.Bots.Handoff(harness.Soon(t), botwebhook.User{AnonymousID: "anon-1", Said: []botwebhook.Line{{Type: "QUESTION", Text: "hello"}}})
	if err != nil {
		t.Fatal(err)
	}
	user := s.queuedUser(t)
	if err := s.Desk.Accept(user, "Kim"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Say(user, "This is Kim."); err != nil {
		t.Fatal(err)
	}
	if err := h.Heard.Wait(harness.Soon(t), func(all []botwebhook.Heard) bool {
		return len(all) > 0 && all[len(all)-1].Text == "This is Kim."
	}); err != nil {
		t.Fatal(err)
	}
	if out, err := h.Close(harness.Soon(t)); err != nil || out.Status != http.StatusOK {
		t.Errorf("close: %+v, %v", out, err)
	}
	if err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
		c, _ := s.Desk.Chat(user)
		return c.State == aicc.StateLeft
	}); err != nil {
		c, _ := s.Desk.Chat(user)
		t.Errorf("the desk's chat is %s: %v", c.State, err)
	}
}

// waiting returns who waits at the desk, as soon as somebody does.
func (s *system) queuedUser(t *testing.T) (user string) {
	t.Helper()
	if err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
		for _, c := range s.Desk.Waiting() {
			user = c.User
		}
		return user != ""
	}); err != nil {
		t.Fatalf("nobody waits at the desk: %v", err)
	}
	return user
}

// TestWebhookCheck: the vendor's own test of the addresses is answered and makes no message.
func TestWebhookCheck(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	out, err := s.Bots.Check(harness.Soon(t))
	if err != nil || out.Status != http.StatusOK {
		t.Errorf("check: %+v, %v", out, err)
	}
	s.expectNoProblems(t)
}
