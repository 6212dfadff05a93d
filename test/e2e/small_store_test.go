package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestFullLogAcceptsAgainAfterItsBacklog fills the log while the bot is down. Then the bot's answers need more space
// than the cap of the log leaves.
func TestFullLogAcceptsAgainAfterItsBacklog(t *testing.T) {
	t.Parallel()
	const senders, size = 16, 60 << 10 // bytes of a message
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Cap: "64MiB", Settings: map[string][]string{"faq": {"mode: blocking"}},
		Limits: []string{"limits: {opened_per_minute: 0}"},
	})
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: botwebhook.EndpointMessage, Status: http.StatusServiceUnavailable,
	})
	var wait sync.WaitGroup
	accepted := make([]int, senders)
	for sender := range senders {
		wait.Go(func() {
			for i := 0; ; i++ {
				status, body, err := s.Livechat.Say(t.Context(), fmt.Sprintf("u%d", sender), strings.Repeat("long ", size/5))
				if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
					t.Errorf("status %d, %s, %v; want 200 or 503", status, body, err)
				}
				if status != http.StatusOK {
					accepted[sender] = i
					return
				}
			}
		})
	}
	wait.Wait()
	want := 0
	for _, n := range accepted {
		want += n
	}
	s.Bots.Faults.Clear()
	harness.Eventually(t, 4*harness.Timeout, "the backlog is delivered", func() string {
		if n := s.Bots.SendCalls.Len(); n < want {
			return fmt.Sprintf("%d of %d messages", n, want)
		}
		return ""
	})
	// The tests of the writer check the time until the gateway accepts messages.
	harness.Eventually(t, harness.Timeout, "the gateway accepts messages", func() string {
		status, body, err := s.Livechat.Say(t.Context(), "after", "Is anybody there?")
		if err != nil || status != http.StatusOK {
			return fmt.Sprintf("status %d, %s, %v", status, body, err)
		}
		return ""
	})
	s.expect(t, "after", "bot", "You said: Is anybody there?")
	if n := s.Bots.SendCalls.Len(); n != want+1 {
		t.Errorf("the bot got %d messages, want %d", n, want+1)
	}
}
