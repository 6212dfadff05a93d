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

// faultsWithUnknownOutcome lists faults after which the outcome of a call is unknown. A call with answers in its
// response is then not repeated.
var faultsWithUnknownOutcome = []faultCase{
	{"reset", simulator.Fault{Kind: simulator.Reset}, none, true},
	{"hangs", simulator.Fault{Kind: simulator.Hang}, none, true},
	{"504 of a proxy", simulator.Fault{Kind: simulator.Status, Status: http.StatusGatewayTimeout}, none, true},
	{"response lost", simulator.Fault{Kind: simulator.Drop}, one, true},
}

func TestBotCallIsRepeatedOnlyIfItHadNoEffect(t *testing.T) {
	t.Parallel()
	withoutEffect := slices.DeleteFunc(slices.Clone(faultsBefore), func(tc faultCase) bool {
		return tc.fault.Kind == simulator.Hang || tc.fault.Kind == simulator.Reset
	})
	for mode, more := range map[string][]faultCase{
		"blocking": {
			{"truncated response", simulator.Fault{Kind: simulator.Truncate}, one, true},
			{"huge response", simulator.Fault{Kind: simulator.Huge}, one, true},
			{"response of the wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
		},
		"streaming": {},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, harness.Config{
				Extra: map[string][]string{"faq": shortTimeout}, Settings: map[string][]string{"faq": {"mode: " + mode}},
				Routes: "[]",
			})
			s.say(t, "ben", "hello")
			s.expect(t, "ben", "bot", greeting)
			cases := slices.Concat(withoutEffect, faultsWithUnknownOutcome, more)
			s.checkFaults(t, &s.Bots.Faults, botwebhook.EndpointMessage, "faq", cases, func(text string) {
				s.say(t, "ben", text)
			}, func() []string {
				var out []string
				for _, a := range s.Bots.SendCalls.All() {
					out = append(out, botwebhook.Question(a.Messages))
				}
				return out
			})
			var want []string
			for i, tc := range cases {
				if !tc.dead {
					want = append(want, fmt.Sprintf("You said: first %d", i))
				}
				want = append(want, fmt.Sprintf("You said: next %d", i))
			}
			s.expect(t, "ben", "bot", want[len(want)-1])
			if got := s.textsFrom("ben", "bot")[1:]; !slices.Equal(got, want) {
				t.Errorf("the customer got %q, want %q", got, want)
			}
		})
	}
}

// The trail contains the reason if a stream was interrupted.
func TestInterruptedStreamIsTheAnswer(t *testing.T) {
	t.Parallel()
	const whole = "One two three four five six seven eight nine ten."
	s := newSystem(t, harness.Vendors{Bots: botwebhook.Options{
		Answer: func(botwebhook.Conversation, []botwebhook.Message) []botwebhook.Answer {
			return []botwebhook.Answer{{Text: whole}}
		},
		Stream: botwebhook.Stream{Pieces: 10},
	}}, harness.Config{
		Extra: map[string][]string{"faq": shortTimeout}, Settings: map[string][]string{"faq": {"mode: streaming"}},
		Routes: "[]",
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
			t.Errorf("%s: got %q, want %q", name, got, whole)
		case !tt.whole && (got == "" || got == whole || !strings.HasPrefix(whole, got)):
			t.Errorf("%s: got %q, want the beginning of %q", name, got, whole)
		}
		s.expectNothingPending(t, user)
		trail := fmt.Sprintf("%+v", s.TraceOne(t, user).Entries)
		if marked := strings.Contains(trail, "interrupted"); marked == tt.whole {
			t.Errorf("%s: the trail marks an interruption: %v\n%s", name, marked, trail)
		}
		s.say(t, user, "again")
		if a := s.expectAnswer(t, user, name+": the next answer", hasRole("bot")); a.Payload.BotSay != whole {
			t.Errorf("%s: then got %q, want %q", name, a.Payload.BotSay, whole)
		}
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}

// A call with a refused key is retried after a long delay, and does not become a dead letter. The channel is unhealthy
// in this time.
func TestRefusedKeyIsRetriedSlowly(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"webhook", "blocking", "streaming"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, harness.Config{
				Settings: map[string][]string{"faq": {"mode: " + mode}}, Routes: "[]",
			})
			s.say(t, "kai", "hello")
			s.expect(t, "kai", "bot", greeting)
			s.Bots.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: botwebhook.EndpointMessage, Count: 1})
			s.say(t, "kai", "and now?")
			if mode == "webhook" {
				s.expectUnhealthy(t, "faq")
			}
			s.expectSlowRetry(t, "faq", "kai")
			s.say(t, "lou", "hello") // the vendor accepts the key again
			s.expect(t, "lou", "bot", greeting)
		})
	}
	t.Run("handoff", func(t *testing.T) {
		t.Parallel()
		s := newHandoffSystem(t)
		s.Bots.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: botwebhook.EndpointReceive, Count: 1})
		h, err := s.Bots.Handoff(harness.TestContext(t), botwebhook.User{UserID: "u-1"})
		if err != nil {
			t.Fatal(err)
		}
		s.expectUnhealthy(t, "handoff")
		s.expectSlowRetry(t, "handoff", h.ID)
		if n := h.AgentMessages.Len(); n != 0 {
			t.Errorf("%d messages of the agent, want none", n)
		}
	})
}

// A reload with changed settings retries a failed delivery immediately.
func TestReloadRepeatsAFailedDelivery(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"the credentials are refused": {Kind: simulator.ExpiredToken},
		"the vendor fails": {
			Kind: simulator.Status, Status: http.StatusServiceUnavailable, RetryAfter: time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, harness.Config{
				Settings: map[string][]string{"faq": {"mode: blocking"}}, Routes: "[]",
			})
			s.say(t, "kai", "hello")
			s.expect(t, "kai", "bot", greeting)
			fault.Endpoint, fault.Count = botwebhook.EndpointMessage, 1
			s.Bots.Faults.Add(fault)
			s.say(t, "kai", "and now?")
			s.expectSlowRetry(t, "faq", "kai")
			reason := s.TraceOne(t, "kai").Pending[0].Reason
			next, _, _ := strings.Cut(strings.TrimPrefix(reason, "next attempt at "), ";")
			due, err := time.Parse(time.RFC3339, next)
			if err != nil {
				t.Fatalf("reason %q: %v, want the time of the next attempt", reason, err)
			}
			s.reload(t, harness.Config{Settings: map[string][]string{"faq": {"mode: streaming"}}, Routes: "[]"})
			s.expect(t, "kai", "bot", "You said: and now?")
			if now := time.Now(); now.After(due) {
				t.Errorf("the answer came at %v, not before the next attempt was due at %v", now, due)
			}
		})
	}
}

// expectUnhealthy waits until /readyz and the list of channels report a channel as unhealthy.
func (s *system) expectUnhealthy(t *testing.T, channel string) {
	t.Helper()
	harness.Eventually(t, harness.Timeout, "the channel is unhealthy", func() string {
		_, body := s.Ready()
		list := s.Run(t, "channel", "list").Stdout
		if !strings.Contains(body, "channel "+channel+": degraded: unhealthy: ") || !strings.Contains(list, "unhealthy: ") {
			return body + list
		}
		return ""
	})
}

// expectSlowRetry waits for a pending delivery after one failed attempt.
func (s *system) expectSlowRetry(t *testing.T, channel, id string) {
	t.Helper()
	var pending harness.PendingDelivery
	harness.Eventually(t, harness.Timeout, "the refused delivery is pending", func() string {
		for _, w := range s.TraceOne(t, id).Pending {
			if pending = w; w.Channel == channel && w.Status == "retrying" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", pending)
	})
	if pending.Attempts != 1 {
		t.Errorf("%d attempts, want 1: %+v", pending.Attempts, pending)
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}

// hasRole returns a function that reports whether an answer is a text from role.
func hasRole(role string) func(native.Answer) bool {
	return func(a native.Answer) bool { return a.Payload.Sender.Role == role && a.Payload.BotSay != "" }
}
