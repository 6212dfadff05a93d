package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestFence(t *testing.T) {
	t.Run("not the owner", func(t *testing.T) {
		h := atDeskHarness(t)
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "me too"})
		h.want("status", h.status("me too"), state.StatusFenced)
		h.wantLines("to the customer", h.queue("web"))
		h.customer("x")
		if c := h.conv(); len(c.History) != 3 {
			t.Errorf("a fenced message is in the history: %v", c.History)
		}
	})
	t.Run("former thread of a desk", func(t *testing.T) {
		h := atDeskHarness(t)
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		h.customer("human")
		h.openThread("desk", "desk-2")
		h.receive(incoming{channel: "desk", thread: "desk-2", kind: envelope.KindConnected})
		h.wantOwner("desk", 4)
		h.receive(incoming{channel: "desk", thread: "desk-1", text: "I am late"})
		h.want("status", h.status("I am late"), state.StatusFenced)
	})
	t.Run("in flight at the handover", func(t *testing.T) {
		h := newHarness(
			t,
			testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "go"`, Pass: "desk"}),
		)
		h.customer("question")
		h.openThread("faq", "faq-1")
		inFlight := h.head("faq")
		h.customer("go")
		h.want("status", h.status("question"), state.StatusQueued)
		h.wantLines("to the desk", h.queue("desk"), "open", "question", "go")
		h.outcome(
			inFlight,
			attempt.Outcome{Replies: []*inbound.Envelope{h.inbound(incoming{channel: "faq", text: "answer"})}},
		)
		h.want("status", h.status("answer"), state.StatusFenced)
		h.want("status", h.status("question"), state.StatusQueued)
	})
	t.Run("reply to a call of an earlier epoch of the same owner", func(t *testing.T) {
		p := testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "faq"`, Pass: "faq"},
			route.Rule{Name: "q", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
		p.Owner = "old"
		h := newHarness(t, p)
		h.customer("question")
		inFlight := h.head("old")
		h.customer("faq")
		h.customer("old")
		h.wantOwner("old", 3)
		h.outcome(
			inFlight,
			attempt.Outcome{Replies: []*inbound.Envelope{h.inbound(incoming{channel: "old", text: "answer"})}},
		)
		h.want("status", h.status("answer"), state.StatusFenced)
	})
	t.Run("thread of an earlier epoch of the same bot", func(t *testing.T) {
		h := atDeskHarness(t)
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		h.wantOwner("faq", 3)
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "as I said"})
		h.want("before the next open is queued", h.status("as I said"), state.StatusFenced)
		h.customer("well")
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "so long"})
		h.want("while the open is queued", h.status("so long"), state.StatusFenced)
	})
	t.Run("sent before control moved", func(t *testing.T) {
		h := keptThreadHarness(t)
		old := h.conv().CustomerID()
		h.receive(incoming{channel: "old", thread: old, text: "second", sent: h.now})
		h.customer("faq")
		h.customer("old")
		h.receive(incoming{channel: "old", thread: old, text: "first", sent: h.now.Add(-time.Second)})
		h.want("status", h.status("second")+" "+h.status("first"), "queued fenced")
	})
	t.Run("by the vendor's clock", func(t *testing.T) {
		h := keptThreadHarness(t)
		old := h.conv().CustomerID()
		at := h.now
		h.receive(incoming{channel: "old", thread: old, text: "first", sent: at})
		h.customer("faq")
		h.receive(incoming{channel: "old", thread: old, text: "second", sent: at.Add(5 * time.Second)})
		h.customer("old")
		h.receive(incoming{channel: "old", thread: old, text: "zeroth", sent: at.Add(-time.Second)})
		h.receive(incoming{channel: "old", thread: old, text: "third", sent: at.Add(3 * time.Second)})
		h.receive(incoming{channel: "old", thread: old, text: "fourth", sent: at.Add(6 * time.Second)})
		for text, want := range map[string]string{
			"first": state.StatusQueued, "second": state.StatusFenced, "zeroth": state.StatusFenced,
			"third": state.StatusFenced, "fourth": state.StatusQueued,
		} {
			h.want(text, h.status(text), want)
		}
	})
	t.Run("observer", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
		h.customer("hello")
		h.receive(incoming{channel: "audit", thread: h.conv().CustomerID(), text: "I see"})
		h.want("status", h.status("I see"), state.StatusFenced)
	})
}

func keptThreadHarness(t tester) *harness {
	p := testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "faq"`, Pass: "faq"},
		route.Rule{Name: "q", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
	p.Owner = "old"
	h := newHarness(t, p)
	h.customer("hello")
	h.drain("old")
	return h
}
