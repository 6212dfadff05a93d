package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"

	"patchbay/sandbox/botwebhook"
)

func TestTraceFindsTheConversationOfEachID(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "bot", greeting)
	s.expectNothingPending(t, "ann")
	tr := s.TraceOne(t, "ann")
	ids := map[string]string{
		"customer": "ann", "customer's thread": native.Organization + "/" + native.Chatbot + "/ann", "conversation": tr.ID,
		"bot's thread": s.botCall(t, "hello").Conversation.ID,
	}
	for _, e := range tr.Entries {
		switch {
		case e.Step == "accepted" && e.Role == "customer":
			ids["message"] = e.Envelope
		case e.Step == "accepted" && e.Role == "bot":
			ids["bot's message id"] = e.VendorID
		case e.Step == "queued" && e.Channel == "livechat":
			ids["delivery"] = e.Delivery
		}
	}
	if len(ids) != 7 {
		t.Fatalf("ids in the trail: %v, want 7 kinds", ids)
	}
	for name, id := range ids {
		t.Run(name, func(t *testing.T) {
			got := s.Run(t, "trace", id)
			if got.Code != 0 || !strings.HasPrefix(got.Stdout, "conversation "+tr.ID+" (live)\n") ||
				!strings.HasSuffix(got.Stdout, "  no pending deliveries\n") || strings.Contains(got.Stdout, greeting) {
				t.Errorf("trace %s: exit code %d\n%s%s", id, got.Code, got.Stdout, got.Stderr)
			}
		})
	}
	if got := s.Run(t, "trace", "ann", "--text"); !strings.Contains(got.Stdout, greeting) {
		t.Errorf("trace --text does not show the messages:\n%s", got.Stdout)
	}
	var found struct{ Conversations []struct{ ID string } }
	if got := s.Run(t, "trace", "ann", "-o", "json"); json.Unmarshal([]byte(got.Stdout), &found) != nil ||
		len(found.Conversations) != 1 || found.Conversations[0].ID != tr.ID {
		t.Errorf("trace -o json:\n%s", got.Stdout)
	}
}

func TestTraceExplainsPendingDeliveries(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "botwebhook")
	install := func() {
		t.Helper()
		if err := os.Symlink(harness.Binary("botwebhook"), program); err != nil {
			t.Fatal(err)
		}
	}
	install()
	s := newSystem(t, harness.Vendors{}, harness.Config{Programs: map[string]string{"botwebhook": program}})
	s.say(t, "ann", "I want a human")
	s.awaitQueue(t, "ann")
	got := s.Run(t, "conversation", "show", s.TraceOne(t, "ann").ID)
	if !strings.Contains(got.Stdout, "offered to desk until ") ||
		!strings.Contains(got.Stdout, "held until the offer to desk ends") {
		t.Errorf("conversation with an offer:\n%s%s", got.Stdout, got.Stderr)
	}

	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage})
	s.say(t, "ben", "first")
	s.say(t, "ben", "second")
	harness.Eventually(t, harness.Timeout, "ben's message is in flight", func() string {
		got := s.Run(t, "trace", "ben")
		if strings.Contains(got.Stdout, "\n  in flight: send to faq ") &&
			strings.Contains(got.Stdout, ": queued behind") {
			return ""
		}
		return got.Stdout
	})
	if err := os.Remove(program); err != nil { // the adapter cannot restart
		t.Fatal(err)
	}
	s.PluginProcess(t, "botwebhook").Kill()
	harness.Eventually(t, harness.Timeout, "the adapter is quarantined", func() string {
		if got := s.Run(t, "trace", "ben"); !strings.Contains(got.Stdout, "adapter botwebhook is quarantined") {
			return got.Stdout
		}
		return ""
	})
	install()
	if got := s.Run(t, "adapter", "restart", "botwebhook"); got.Code != 0 {
		t.Fatalf("restart: exit code %d\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	s.Bots.Faults.Clear()
	s.expect(t, "ben", "bot", "You said: second")
}
