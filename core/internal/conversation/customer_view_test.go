package conversation

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// viewHarness returns a harness with rules and channels whose names must not reach the customer.
func viewHarness(t *testing.T) *harness {
	t.Helper()
	p := testPolicy(t,
		onWord("secret-pass", route.Rule{Pass: "desk"}),
		onWord("secret-offer", route.Rule{Offer: &route.Offer{To: []string{"desk"}, Within: time.Minute, Else: "old"}}),
		onWord("secret-close", route.Rule{Close: true}),
		route.Rule{
			Name: "secret-leaving", Events: []route.Event{route.EventDisconnected}, From: []string{"night"}, Pass: "old",
		},
	)
	p.Channels["desk"].Title = "Service team"
	p.Channels["web"].Events[envelope.KindClosed] = true
	return newHarness(t, p)
}

func TestCustomersSeeNoNamesOfRulesAndChannels(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(h *harness)
		want string // of the last event
	}{
		{"a rule passes", func(h *harness) { h.customer("secret-pass") }, "passed Service team agent rule"},
		{"an offer is accepted", func(h *harness) {
			h.customer("secret-offer")
			h.openThread("desk", "d1")
			h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindConnected})
		}, "passed Service team agent offer"},
		{"an offer fails", func(h *harness) {
			h.customer("secret-offer")
			h.advance(time.Minute)
		}, "passed bot offer"},
		{"the owner leaves", func(h *harness) {
			h.customer("secret-pass")
			h.openThread("desk", "d1")
			h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
		}, "passed bot left"},
		{"an operator passes", func(h *harness) { h.mustCommand("pass", "desk") }, "passed Service team agent operator"},
		{"a rule closes", func(h *harness) { h.customer("secret-close") }, "closed rule"},
		{"an operator closes", func(h *harness) { h.mustCommand("close", "") }, "closed operator"},
		{"silence", func(h *harness) {
			h.drain("faq")
			h.drain("web")
			h.now = h.now.Add(h.policy.CloseAfter)
			id := h.conv().ID
			h.transact(func(tx *Transaction) { tx.ApplyTimer(id) })
		}, "closed close_after"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := viewHarness(t)
			h.customer("hello")
			tc.do(h)
			lines := h.drain("web")
			if len(lines) == 0 || lines[len(lines)-1] != tc.want {
				t.Errorf("the customer gets %q, want %q at the end", lines, tc.want)
			}
			for p, e := range h.model.envelopes {
				if e.Kind != envelope.KindPassed {
					continue
				}
				for k, v := range e.Attributes {
					if strings.Contains(v, "secret") || v == "desk" || v == "old" || v == "faq" {
						t.Errorf("the event %v has the attribute %s = %q", p, k, v)
					}
				}
			}
		})
	}
	t.Run("the trail keeps the name of the rule", func(t *testing.T) {
		h := viewHarness(t)
		h.customer("secret-pass")
		if passed := lastChanges[*journal.Change_Passed](h); len(passed) != 1 || passed[0].Passed.GetReason() != "secret-pass" {
			t.Errorf("moves in the record: %v", passed)
		}
	})
}
