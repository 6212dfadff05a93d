package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// The desk owns a conversation and has an offer. The next start is without the channel desk.
func TestRemovedChannelLosesControl(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "owned")
	s.say(t, "asking", "I want a human")
	s.expect(t, "asking", "system", noticeLooking)
	s.awaitQueue(t, "asking")
	s.say(t, "other", "hello")
	s.expect(t, "other", "bot", greeting)

	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Status, Endpoint: aicc.EndpointSend, Status: http.StatusBadGateway})
	s.say(t, "owned", "Are you there?")
	s.say(t, "owned", "Anyone?")
	withTimeout(t, harness.Timeout, "a call to the desk fails", func(ctx context.Context) error {
		return s.Desk.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) > 0 })
	})
	s.Stop(t)
	s.Configure(t, harness.Config{Omit: []string{"desk"}, Routes: "[]"})
	s.Start(t)

	if e := s.expectHandover(t, "owned", "Assistant").Payload.Event; e.OwnerRole != "bot" {
		t.Errorf("event %+v, want role bot", e)
	}
	s.expect(t, "owned", "bot", "You said: Are you there?")
	s.expect(t, "owned", "bot", "You said: Anyone?")
	s.expect(t, "asking", "bot", "You said: I want a human")
	s.say(t, "other", "hello again")
	s.expect(t, "other", "bot", greeting)

	tr := s.TraceOne(t, "owned")
	passed := tr.Find("passed")
	const reason = "channel desk is not in the configuration"
	if len(passed) != 2 || passed[1].Channel != "faq" || !strings.Contains(passed[1].Rule, reason) {
		t.Errorf("steps \"passed\": %+v, want the second to faq because desk is not configured", passed)
	}
	if moved := tr.Find("moved"); len(moved) != 2 {
		t.Errorf("steps \"moved\": %+v, want one for each pending message", moved)
	}
	if ended := s.TraceOne(t, "asking").Find("offer unreachable"); len(ended) != 1 || ended[0].Detail != "unconfigured" {
		t.Errorf("steps \"offer unreachable\": %+v, want one, unconfigured", ended)
	}
	for _, user := range []string{"owned", "asking", "other"} {
		s.expectNothingPending(t, user)
		if owner := s.TraceOne(t, user).State.Owner; owner != "faq" {
			t.Errorf("owner of %s: %s, want faq", user, owner)
		}
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
	if again := s.Run(t, "check"); again.Code != 0 {
		t.Errorf("check of the file without the desk: code %d\n%s", again.Code, again.Stderr)
	}
	s.Desk.Faults.Clear()
	s.Stop(t)
	s.Configure(t, harness.Config{}) // with the desk again
	s.Start(t)
	s.say(t, "owned", "Now I want a human again")
	s.expect(t, "owned", "system", noticeLooking)
}
