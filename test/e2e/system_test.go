package e2e

import (
	"context"
	"fmt"
	"net/http"
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

// What the pretend bot and the usual rules say.
const (
	greeting      = "Hello! How can I help you?"
	noticeLooking = "One moment, I am looking for a colleague."
	noticeNobody  = "Nobody is free right now; I can go on helping."
	noticeBack    = "You are back with the assistant."
)

// scene is a world with a gateway in it, and what the customers have read so far.
type system struct {
	*harness.World
	*harness.Gateway
	read map[string]int // answers that were heard, by user
}

func newSystem(t *testing.T, v harness.Vendors, c harness.Config) *system {
	t.Helper()
	w := harness.NewWorld(t, v)
	return &system{World: w, Gateway: harness.NewGateway(t, w, c), read: map[string]int{}}
}

// deskID is the customer's user id at the desk and at the bot's: of 32 characters.
func deskID(user string) string {
	return envelope.ShortID("livechat", harness.Organization+"/"+harness.Chatbot+"/"+user)
}

// says has a customer say something, which the gateway must take.
func (s *system) say(t *testing.T, user, text string, opts ...native.Option) {
	t.Helper()
	status, body, err := s.Livechat.Say(harness.Soon(t), user, text, opts...)
	if err != nil || status != http.StatusOK || strings.TrimSpace(string(body)) != "{}" {
		t.Fatalf("%s says %q: status %d, body %q, %v; want 200 {}", user, text, status, body, err)
	}
}

// hears returns when the customer has got words from role, exactly text, after what was heard before.
func (s *system) expect(t *testing.T, user, role, text string) native.Answer {
	t.Helper()
	return s.expectAnswer(t, user, fmt.Sprintf("%q from %s", text, role), func(a native.Answer) bool {
		return a.Payload.Sender.Role == role && a.Payload.BotSay == text
	})
}

// told returns when the customer was told that control has passed to owner.
func (s *system) expectHandover(t *testing.T, user, owner string) native.Answer {
	t.Helper()
	return s.expectAnswer(t, user, "passed to "+owner, func(a native.Answer) bool {
		return a.Payload.Event != nil && a.Payload.Event.Type == "passed" && a.Payload.Event.Owner == owner
	})
}

func (s *system) expectAnswer(t *testing.T, user, what string, is func(native.Answer) bool) native.Answer {
	t.Helper()
	ctx := harness.Soon(t)
	for {
		answers, err := s.Livechat.Next(ctx, user, s.read[user])
		if err != nil {
			t.Fatalf("%s gets no %s: %v; got\n%s", user, what, err, formatAnswers(s.Livechat.Received(user)))
		}
		for _, a := range answers {
			s.read[user]++
			if is(a) {
				return a
			}
		}
	}
}

// transcript is what a customer got, one answer a line.
func formatAnswers(answers []native.Answer) string {
	var b strings.Builder
	for _, a := range answers {
		if e := a.Payload.Event; e != nil {
			fmt.Fprintf(&b, "  event %s %s %s\n", e.Type, e.Owner, e.Reason)
		}
		if a.Payload.BotSay != "" {
			fmt.Fprintf(&b, "  %s: %s\n", a.Payload.Sender.Role, a.Payload.BotSay)
		}
	}
	return b.String()
}

// words is what a customer heard from role, in order, without repeats of one delivery.
func (s *system) textsFrom(user, role string) []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range s.Livechat.Received(user) {
		if a.Payload.Sender.Role == role && a.Payload.BotSay != "" && !seen[a.Key] {
			out = append(out, a.Payload.BotSay)
		}
		seen[a.Key] = true
	}
	return out
}

// waits returns when the customer stands in the desk's queue.
func (s *system) awaitQueue(t *testing.T, user string) {
	t.Helper()
	err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
		c, _ := s.Desk.Chat(deskID(user))
		return c.State == aicc.StateWaiting
	})
	if err != nil {
		t.Fatalf("%s does not wait at the desk: %v", user, err)
	}
}

// meets brings a customer to an agent who sees what was said and has said hello.
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
	s.expectAtDesk(t, user, "I want a human") // it comes behind the agent's yes, which need not be before the hello
}

func (s *system) agentSays(t *testing.T, user, text string) {
	t.Helper()
	if _, err := s.Desk.Say(deskID(user), text); err != nil {
		t.Fatal(err)
	}
}

// atDesk returns when the agent sees the customer's words.
func (s *system) expectAtDesk(t *testing.T, user, text string) {
	t.Helper()
	err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
		return slices.Contains(s.deskTexts(user), text)
	})
	if err != nil {
		t.Fatalf("the agent does not see %q: %v; sees %q", text, err, s.deskTexts(user))
	}
}

// deskLines is what the agent sees from the customer's side, in order.
func (s *system) deskTexts(user string) []string {
	var out []string
	c, _ := s.Desk.Chat(deskID(user))
	for _, l := range c.Lines {
		if l.From == "customer" {
			out = append(out, l.Text)
		}
	}
	return out
}

// asked returns the bot's call that has this question, waiting for it.
func (s *system) botCall(t *testing.T, question string) botwebhook.Asked {
	t.Helper()
	var found botwebhook.Asked
	err := s.Bots.Wait(harness.Soon(t), func(all []botwebhook.Asked) bool {
		for _, a := range all {
			if botwebhook.Question(a.Messages) == question {
				found = a
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("the bot is not asked %q: %v", question, err)
	}
	return found
}

// quiet demands that nothing waits any more in the conversation that id belongs to.
func (s *system) expectNothingPending(t *testing.T, id string) {
	t.Helper()
	harness.Eventually(t, harness.Patience, "nothing waits for "+id, func() string {
		for _, tr := range s.Trace(t, id) {
			for _, w := range tr.Pending {
				return fmt.Sprintf("%s towards %s: %s", w.Status, w.Channel, w.Reason)
			}
		}
		return ""
	})
}

// content demands that no vendor had to complain.
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

// within fails the test if what took longer.
func within(t *testing.T, limit time.Duration, what string, do func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
