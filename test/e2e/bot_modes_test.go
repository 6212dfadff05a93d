package e2e

import (
	"testing"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestMessagesReachTheBotAndComeBack covers more modes, but without a handover.
func TestBotModesHaveTheSameAnswers(t *testing.T) {
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
			if texts := s.textsFrom(user, "bot"); len(texts) != 2 {
				t.Errorf("the bot sent %q, want two answers", texts)
			}
			s.expectNoProblems(t)
		})
	}
}

// If the response to a blocking call is lost, the outcome is unknown. The delivery becomes a dead letter.
func TestBlockingCallIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Settings: map[string][]string{"faq": {"mode: blocking"}}})
	s.say(t, "dan", "hello")
	s.expect(t, "dan", "bot", greeting)
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: botwebhook.EndpointMessage, Count: 1})
	s.say(t, "dan", "and now?")
	s.say(t, "dan", "next")
	s.expect(t, "dan", "bot", "You said: next")
	n := 0
	for _, a := range s.Bots.SendCalls.All() {
		if botwebhook.Question(a.Messages) == "and now?" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d calls with the question, want 1", n)
	}
	if dead := s.Metric(t, "patchbay_dead_letters_total", "channel", "faq", "reason", "unknown"); dead != 1 {
		t.Errorf("%v dead letters with reason unknown, want 1", dead)
	}
}
