package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// overloadConfig has a bot channel with one call at a time.
var overloadConfig = harness.Config{
	Limits: []string{"limits: {opened_per_minute: 0, queue_age: 1s}"},
	Extra:  map[string][]string{"faq": {"delivery: {concurrency: 1}"}},
}

// sayOnce sends a customer's message in one call and returns the response, which may be a refusal.
func (s *system) sayOnce(t *testing.T, user, text string) refusal {
	t.Helper()
	call := nativeCall(s)
	call.body = fmt.Sprintf(`{"userId":%q,"accessToken":%q,"messageId":%q,"payload":{"userSay":%q,"userInfo":{"id":%q}}}`,
		user, s.Secrets.AccessToken, user+text, text, user)
	return s.request(t, vendors[0], call)
}

// The gateway asks the customers' vendor to wait. Other channels continue, and no message is lost.
func TestOverloadedBotCausesRefusals(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, overloadConfig)
	s.connectAgent(t, "carl")
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Slow, Endpoint: botwebhook.EndpointMessage, Delay: 250 * time.Millisecond,
	})
	accepted, refused := []string{}, ""
	for i := 0; refused == ""; i++ {
		user := fmt.Sprint("u", i)
		switch result := s.sayOnce(t, user, "question of "+user); result.status {
		case http.StatusOK:
			accepted = append(accepted, user)
		case http.StatusTooManyRequests:
			if result.retryAfter != "1" {
				t.Errorf("Retry-After is %q, want 1", result.retryAfter)
			}
			refused = user
		default:
			t.Fatalf("message of %s: %+v", user, result)
		}
		if i == 200 {
			t.Fatal("no message was refused")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if result := s.sayOnce(t, "u0", "question of u0"); result.status != http.StatusOK {
		t.Errorf("the duplicate of an accepted message: %+v, want 200", result)
	}
	if _, body := s.Ready(); !strings.Contains(body, "[+] channel faq: degraded: cannot keep up: all calls") {
		t.Errorf("readyz:\n%swant a channel that cannot keep up", body)
	}
	s.say(t, "carl", "Still there?")
	s.expectAtDesk(t, "carl", "Still there?")
	if n := s.Metric(t, "patchbay_http_requests_refused_total", "adapter", "native", "reason", "overload"); n == 0 {
		t.Error("no refusal is counted")
	}
	s.Bots.Faults.Clear()
	harness.Eventually(t, harness.Timeout, "the refused message is accepted", func() string {
		if result := s.sayOnce(t, refused, "question of "+refused); result.status != http.StatusOK {
			return fmt.Sprintf("%+v", result)
		}
		return ""
	})
	for _, user := range append(accepted, refused) {
		s.expect(t, user, "bot", "You said: question of "+user)
	}
}

// If the bot's vendor does not respond, messages are accepted and wait in the log.
func TestHangingBotCausesNoRefusals(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, overloadConfig)
	s.say(t, "ann", "first")
	s.expect(t, "ann", "bot", "You said: first")
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage})
	for i := range 30 {
		if result := s.sayOnce(t, fmt.Sprint("u", i%10), fmt.Sprint("question ", i)); result.status != http.StatusOK {
			t.Errorf("message %d: %+v, want 200", i, result)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Bots.Faults.Clear()
	for i := range 30 {
		s.expect(t, fmt.Sprint("u", i%10), "bot", fmt.Sprint("You said: question ", i))
	}
}
