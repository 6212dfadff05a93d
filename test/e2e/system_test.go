package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// Texts of the simulated bot and of the rules in harness.Routes.
const (
	greeting      = "Hello! How can I help you?"
	noticeLooking = "One moment, I am looking for an agent."
	noticeNoAgent = "No agent is free right now; I can continue to help."
	noticeBack    = "You are back with the assistant."
)

// system is a gateway with its simulated vendors.
type system struct {
	*harness.World
	*harness.Gateway
	read map[string]int // number of the answers that expect and the like have read, by user
}

func newSystem(t *testing.T, v harness.Vendors, c harness.Config) *system {
	t.Helper()
	w := harness.NewWorld(t, v)
	return &system{World: w, Gateway: harness.NewGateway(t, w, c), read: map[string]int{}}
}

// deskID returns the 32-character id of a customer at the desk and at the bot. The user must need no escaping.
func deskID(user string) string {
	return envelope.ShortID("livechat", native.Organization+"/"+native.Chatbot+"/"+user)
}

// say sends a customer's message. It fails the test if the gateway does not accept the message.
func (s *system) say(t *testing.T, user, text string, opts ...native.Option) {
	t.Helper()
	if err := harness.Say(harness.TestContext(t), s.Livechat, user, text, opts...); err != nil {
		t.Fatal(err)
	}
}

// expect reads the customer's answers until one is from role and has this text.
func (s *system) expect(t *testing.T, user, role, text string) native.Answer {
	t.Helper()
	return s.expectAnswer(t, user, fmt.Sprintf("%q from %s", text, role), func(a native.Answer) bool {
		return a.Payload.Sender.Role == role && a.Payload.BotSay == text
	})
}

// expectHandover reads the customer's answers until one is the event of a handover to the channel with this title.
func (s *system) expectHandover(t *testing.T, user, title string) native.Answer {
	t.Helper()
	return s.expectAnswer(t, user, "passed to "+title, func(a native.Answer) bool {
		return a.Payload.Event != nil && a.Payload.Event.Type == "passed" && a.Payload.Event.Title == title
	})
}

// expectAnswer reads the customer's answers until one matches.
func (s *system) expectAnswer(t *testing.T, user, what string, matches func(native.Answer) bool) native.Answer {
	t.Helper()
	ctx := harness.TestContext(t)
	for {
		answers, err := s.Livechat.Answers(user).Next(ctx, s.read[user])
		if err != nil {
			t.Fatalf("%s did not get %s: %v; got\n%s", user, what, err, formatAnswers(s.Livechat.AllAnswers(user)))
		}
		for _, a := range answers {
			s.read[user]++
			if matches(a) {
				return a
			}
		}
	}
}

// formatAnswers formats answers: one line for each event and each text.
func formatAnswers(answers []native.Answer) string {
	var b strings.Builder
	for _, a := range answers {
		if e := a.Payload.Event; e != nil {
			fmt.Fprintf(&b, "  event %s %s %s\n", e.Type, e.Title, e.Reason)
		}
		if a.Payload.BotSay != "" {
			fmt.Fprintf(&b, "  %s: %s\n", a.Payload.Sender.Role, a.Payload.BotSay)
		}
	}
	return b.String()
}

// textsFrom returns the texts that a customer got from role, in order. It omits repeated answers.
func (s *system) textsFrom(user, role string) []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range s.Livechat.AllAnswers(user) {
		if a.Payload.Sender.Role == role && a.Payload.BotSay != "" && !seen[a.Key] {
			out = append(out, a.Payload.BotSay)
		}
		seen[a.Key] = true
	}
	return out
}

// awaitQueue waits until the customer is in the desk's queue.
func (s *system) awaitQueue(t *testing.T, user string) {
	t.Helper()
	s.awaitChat(t, deskID(user), aicc.StateWaiting)
}

// connectAgent makes a customer ask for an agent. The agent Kim accepts and sends a greeting.
func (s *system) connectAgent(t *testing.T, user string) {
	t.Helper()
	s.say(t, user, "I want a human")
	s.expect(t, user, "system", noticeLooking)
	s.awaitQueue(t, user)
	if err := s.Desk.Accept(deskID(user), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, user, "This is Kim.")
	s.expect(t, user, "agent", "This is Kim.")
	s.expectAtDesk(t, user, "I want a human") // can be delivered after the greeting
}

func (s *system) agentSays(t *testing.T, user, text string) {
	t.Helper()
	if _, err := s.Desk.Say(deskID(user), text); err != nil {
		t.Fatal(err)
	}
}

// expectAtDesk waits until the agent sees this text of the customer.
func (s *system) expectAtDesk(t *testing.T, user, text string) {
	t.Helper()
	err := s.Desk.Events.Wait(harness.TestContext(t), func([]aicc.Event) bool {
		return slices.Contains(s.deskTexts(user), text)
	})
	if err != nil {
		t.Fatalf("the agent does not see %q: %v; sees %q", text, err, s.deskTexts(user))
	}
}

// deskTexts returns the customer's texts at the desk, in order.
func (s *system) deskTexts(user string) []string {
	return s.chatTexts(deskID(user))
}

// chatTexts returns the customer's texts in a chat at the desk, in order.
func (s *system) chatTexts(chat string) []string {
	var out []string
	c, _ := s.Desk.Chat(chat)
	for _, l := range c.Lines {
		if l.From == "customer" {
			out = append(out, l.Text)
		}
	}
	return out
}

// awaitChat waits until a chat at the desk has this state.
func (s *system) awaitChat(t *testing.T, chat string, want aicc.State) {
	t.Helper()
	err := s.Desk.Events.Wait(harness.TestContext(t), func([]aicc.Event) bool {
		c, _ := s.Desk.Chat(chat)
		return c.State == want
	})
	if err != nil {
		c, _ := s.Desk.Chat(chat)
		t.Fatalf("chat %s at the desk is %s, want %s: %v", chat, c.State, want, err)
	}
}

// botCall waits for the send call with this question.
func (s *system) botCall(t *testing.T, question string) botwebhook.SendCall {
	t.Helper()
	var found botwebhook.SendCall
	err := s.Bots.SendCalls.Wait(harness.TestContext(t), func(all []botwebhook.SendCall) bool {
		for _, a := range all {
			if botwebhook.Question(a.Messages) == question {
				found = a
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("the bot got no call with %q: %v", question, err)
	}
	return found
}

// expectNothingPending waits until no conversation that id finds has a pending delivery or a held message.
func (s *system) expectNothingPending(t *testing.T, id string) {
	t.Helper()
	harness.Eventually(t, harness.Timeout, "no pending delivery of "+id, func() string {
		for _, tr := range s.Trace(t, id) {
			for _, w := range tr.Pending {
				return fmt.Sprintf("%s towards %s: %s", w.Status, w.Channel, w.Reason)
			}
		}
		return ""
	})
}

// expectNoProblems fails the test if a vendor refused a call.
func (s *system) expectNoProblems(t *testing.T) {
	t.Helper()
	for name, problems := range map[string][]string{
		"livechat": s.Livechat.Problems.All(), "gptbots": s.Bots.Problems.All(), "aicc": s.Desk.Problems.All(),
	} {
		if len(problems) > 0 {
			t.Errorf("%s refused calls: %q", name, problems)
		}
	}
}

// withTimeout calls do with a context that ends after limit. It fails the test if do returns an error.
func withTimeout(t *testing.T, limit time.Duration, what string, do func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
