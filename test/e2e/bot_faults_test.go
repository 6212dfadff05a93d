package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// unheard are the troubles after which nobody knows whether a bot that answers in the call was asked: it is not asked again.
var faultsUnknown = []faultCase{
	{"reset", simulator.Fault{Kind: simulator.Reset}, none, true},
	{"hangs", simulator.Fault{Kind: simulator.Hang}, none, true},
	{"gateway on the way is out of time", simulator.Fault{Kind: simulator.Status, Status: http.StatusGatewayTimeout}, none, true},
	{"answer lost", simulator.Fault{Kind: simulator.Drop}, one, true},
}

// TestBotsThatAnswerInTheCallUnderFaults: a question is asked again where it certainly was not asked, and only there.
func TestBotsThatAnswerInTheCallUnderFaults(t *testing.T) {
	t.Parallel()
	refusedAtFirst := slices.DeleteFunc(slices.Clone(faultsBefore), func(tr faultCase) bool {
		return tr.fault.Kind == simulator.Hang || tr.fault.Kind == simulator.Reset
	})
	for mode, own := range map[string][]faultCase{
		"blocking": {
			{"answer cut off", simulator.Fault{Kind: simulator.Truncate}, one, true},
			{"huge answer", simulator.Fault{Kind: simulator.Huge}, one, true},
			{"answer of the wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
		},
		"streaming": {},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, harness.Config{
				Extra: map[string][]string{"faq": shortTimeout}, Settings: map[string][]string{"faq": {"mode: " + mode}}, Routes: "[]",
			})
			s.say(t, "ben", "hello") // the conversation is opened
			s.expect(t, "ben", "bot", greeting)
			// Five failures in a row would open the breaker: it is closed again by what comes behind each trouble.
			s.checkFaults(t, &s.Bots.Faults, botwebhook.EndpointMessage, "faq", slices.Concat(refusedAtFirst, faultsUnknown, own), func(text string) {
				s.say(t, "ben", text)
			}, func() []string {
				var out []string
				for _, a := range s.Bots.Asked.All() {
					out = append(out, botwebhook.Question(a.Messages))
				}
				return out
			})
			var want []string // what was asked, and was not given up
			for i, tr := range slices.Concat(refusedAtFirst, faultsUnknown, own) {
				if !tr.dead {
					want = append(want, fmt.Sprintf("You said: words %d", i))
				}
				want = append(want, fmt.Sprintf("You said: next %d", i))
			}
			s.expect(t, "ben", "bot", want[len(want)-1])
			if got := s.textsFrom("ben", "bot")[1:]; !slices.Equal(got, want) {
				t.Errorf("the customer heard %q, want %q", got, want)
			}
		})
	}
}

// TestStreamsUnderFaults: what came before a stream broke off is the answer, and the trail says that it did.
func TestStreamsUnderFaults(t *testing.T) {
	t.Parallel()
	const whole = "One two three four five six seven eight nine ten."
	s := newSystem(t, harness.Vendors{Bots: botwebhook.Options{
		Brain: func(botwebhook.Conversation, []botwebhook.Message) []botwebhook.Answer {
			return []botwebhook.Answer{{Text: whole}}
		},
		Stream: botwebhook.Stream{Pieces: 10},
	}}, harness.Config{
		Extra: map[string][]string{"faq": shortTimeout}, Settings: map[string][]string{"faq": {"mode: streaming"}}, Routes: "[]",
	})
	for i, tt := range []struct {
		fault simulator.Fault
		whole bool
	}{
		{simulator.Fault{Kind: simulator.Slow, Delay: 50 * time.Millisecond}, true},
		{simulator.Fault{Kind: simulator.Hang}, false},
		{simulator.Fault{Kind: simulator.Reset}, false},
		{simulator.Fault{Kind: simulator.Truncate}, false},
		{simulator.Fault{Kind: simulator.Refuse, Code: 50000}, false},
		{simulator.Fault{Kind: simulator.Refuse, Code: 20022}, false},
	} {
		name, user := fmt.Sprintf("%s %d", tt.fault.Kind, tt.fault.Code), fmt.Sprintf("sid-%d", i)
		tt.fault.Endpoint, tt.fault.Count = botwebhook.EndpointStream, 1
		s.Bots.Faults.Add(tt.fault)
		s.say(t, user, "count")
		a := s.expectAnswer(t, user, name+": an answer", hasRole("bot"))
		s.Bots.Faults.Release()
		got := a.Payload.BotSay
		switch {
		case tt.whole && got != whole:
			t.Errorf("%s: heard %q, want %q", name, got, whole)
		case !tt.whole && (got == "" || got == whole || !strings.HasPrefix(whole, got)):
			t.Errorf("%s: heard %q, want the beginning of %q", name, got, whole)
		}
		s.expectNothingPending(t, user)
		trail := fmt.Sprintf("%+v", s.Only(t, user).Entries)
		if told := strings.Contains(trail, "broke off"); told == tt.whole {
			t.Errorf("%s: the trail says that it broke off: %v\n%s", name, told, trail)
		}
		s.say(t, user, "again")
		if a := s.expectAnswer(t, user, name+": the next answer", hasRole("bot")); a.Payload.BotSay != whole {
			t.Errorf("%s: then heard %q, want %q", name, a.Payload.BotSay, whole)
		}
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}

// TestExpiredKeys: a key that the vendor refuses is tried again slowly, the channel is reported sick, and nothing is given up.
func TestExpiredKeys(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"webhook", "blocking", "streaming"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, harness.Config{Settings: map[string][]string{"faq": {"mode: " + mode}}, Routes: "[]"})
			s.say(t, "kai", "hello")
			s.expect(t, "kai", "bot", greeting)
			s.Bots.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: botwebhook.EndpointMessage, Count: 1})
			s.say(t, "kai", "and now?")
			if mode == "webhook" {
				s.expectUnhealthy(t, "faq")
			}
			s.expectSlowRetry(t, "faq", "kai")
			s.say(t, "lou", "hello") // the vendor takes the key again: other conversations go on
			s.expect(t, "lou", "bot", greeting)
		})
	}
	t.Run("hand-off", func(t *testing.T) {
		t.Parallel()
		s := newHandoffSystem(t)
		s.Bots.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: botwebhook.EndpointReceive, Count: 1})
		h, err := s.Bots.Handoff(harness.Soon(t), botwebhook.User{UserID: "u-1"})
		if err != nil {
			t.Fatal(err)
		}
		s.expectUnhealthy(t, "handoff")
		s.expectSlowRetry(t, "handoff", h.ID)
		if n := h.Heard.Len(); n != 0 {
			t.Errorf("%d replies were heard, want none", n)
		}
	})
}

// sick demands that a channel is reported as such.
func (s *system) expectUnhealthy(t *testing.T, channel string) {
	t.Helper()
	harness.Eventually(t, harness.Patience, "the channel is sick", func() string {
		if _, body := s.Ready(); !strings.Contains(body, "channel "+channel+": degraded") {
			return body
		}
		return ""
	})
}

// unauthorized demands that a call of a channel was refused for its credentials, and is to be repeated, but not soon.
func (s *system) expectSlowRetry(t *testing.T, channel, id string) {
	t.Helper()
	var waiting harness.PendingDelivery
	harness.Eventually(t, harness.Patience, "the refused call waits", func() string {
		for _, w := range s.Only(t, id).Pending {
			if waiting = w; w.Channel == channel && w.Status == "retrying" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", waiting)
	})
	if waiting.Attempts != 1 {
		t.Errorf("%d attempts, want one for now: %+v", waiting.Attempts, waiting)
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}

// livechatRole returns whether somebody of a role says something in an answer.
func hasRole(role string) func(native.Answer) bool {
	return func(a native.Answer) bool { return a.Payload.Sender.Role == role && a.Payload.BotSay != "" }
}
