package e2e

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// reload puts a configuration into force. It fails the test if the gateway refuses the configuration.
func (s *system) reload(t *testing.T, c harness.Config) harness.Reload {
	t.Helper()
	s.Configure(t, c)
	r := s.Reload(t, false)
	if r.Result != "applied" {
		t.Fatalf("reload: %+v", r)
	}
	return r
}

// Control and pending messages of a removed desk go home. The other plugin processes continue.
func TestReloadWithoutTheDesk(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "owned")
	s.say(t, "asking", "I want a human")
	s.expect(t, "asking", "system", noticeLooking)
	s.awaitQueue(t, "asking")
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Status, Endpoint: aicc.EndpointSend, Status: http.StatusBadGateway})
	s.say(t, "owned", "Are you there?")
	withTimeout(t, harness.Timeout, "a call to the desk fails", func(ctx context.Context) error {
		return s.Desk.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) > 0 })
	})
	before := map[string]int{}
	for _, p := range s.PluginProcesses() {
		before[p.Comm] = p.PID
	}
	s.reload(t, harness.Config{Omit: []string{"desk"}, Routes: "[]"})
	s.expectHandover(t, "owned", "Assistant")
	s.expect(t, "owned", "bot", "You said: Are you there?")
	s.expect(t, "asking", "bot", "You said: I want a human")
	harness.Eventually(t, harness.Timeout, "only the process of the desk ends", func() string {
		for _, p := range s.PluginProcesses() {
			if p.Comm == "aicc" {
				return "it is running"
			}
			if before[p.Comm] != p.PID {
				t.Errorf("the process of %s was replaced", p.Comm)
			}
		}
		return ""
	})
	s.Desk.Faults.Clear()
	s.reload(t, harness.Config{}) // with the desk again
	s.say(t, "owned", "Now I want a human again")
	s.expect(t, "owned", "system", noticeLooking)
	s.expectNothingPending(t, "asking")
}

// Answers for a removed customer channel wait until the channel is configured again.
func TestReloadWithoutTheCustomersChannel(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.Livechat.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: native.EndpointReply, Status: http.StatusBadGateway,
	})
	s.say(t, "ann", "hello")
	withTimeout(t, harness.Timeout, "the answer does not arrive", func(ctx context.Context) error {
		return s.Livechat.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) > 0 })
	})
	other := `
adapter: native
role: customer
owner: faq
allow: [127.0.0.0/8]
settings: {organization: other, chatbot: other, access_token: other, reply_url: "${env:LIVECHAT_URL}/replies"}`
	s.reload(t, harness.Config{Omit: []string{"livechat"}, Define: map[string]string{"other": other}})
	harness.Eventually(t, harness.Timeout, "the removed channel is listed with its queue", func() string {
		if _, body := s.Get("/api/config"); !strings.Contains(body, `"name": "livechat"`) {
			return body
		}
		return ""
	})
	if _, body := s.Ready(); !strings.Contains(body, "channel livechat: degraded: removed from the configuration; 1 deliveries") {
		t.Errorf("readyz does not list the removed channel:\n%s", body)
	}
	if status, _, _ := s.Livechat.Say(harness.TestContext(t), "ann", "more"); status != http.StatusNotFound {
		t.Errorf("status %d of a call on the removed channel's path, want 404", status)
	}
	s.Livechat.Faults.Clear()
	s.reload(t, harness.Config{})
	s.expect(t, "ann", "bot", greeting)
	s.expectNothingPending(t, "ann")
}

// SIGHUP reloads the configuration. A refused file changes nothing. The previous revision can be put into force again.
func TestReloadBySignal(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Routes: "[{name: one, from: customer, say: One}]"})
	hangup := func(want string) {
		t.Helper()
		if err := syscall.Kill(s.PID, syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		harness.Eventually(t, harness.Timeout, want, func() string {
			for _, l := range s.Logs() {
				if strings.Contains(l.Raw, want) {
					return ""
				}
			}
			return "not logged"
		})
	}
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "system", "One")
	s.Configure(t, harness.Config{Routes: "[{name: two, from: customer, say: Two}]"})
	hangup(`"revision":2`)
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "system", "Two")
	s.Configure(t, harness.Config{Routes: "[{name: three, from: customer, say: Three, pass: nowhere}]"})
	hangup("reload refused, nothing has changed")
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "system", "Two")
	if r := s.Reload(t, true); r.Result != "applied" || r.Revision != 3 {
		t.Fatalf("reload of the previous configuration: %+v", r)
	}
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "system", "One")
}
