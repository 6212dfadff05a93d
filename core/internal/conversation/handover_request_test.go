package conversation

import (
	"testing"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// handoverRequest returns a handover request that repeats n earlier messages.
func (h *harness) handoverRequest(n int) *inbound.Envelope {
	h.Helper()
	in := h.inbound(incoming{channel: "web", thread: "w1", kind: envelope.KindHandoverRequested})
	for i := range n {
		p := envelope.TextPart("line " + string(rune('a'+i)))
		p.Attributes = map[string]string{"role": []string{"customer", "bot", "tool"}[i%3]}
		in.Envelope.Parts = append(in.Envelope.Parts, p)
	}
	in.Envelope.Attributes = map[string]string{"vendor.email": "a@example.com", "reason": "asked"}
	var err error
	if in.Bytes, err = protocol.EncodeEnvelope(in.Envelope); err != nil {
		h.Fatalf("encode: %v", err)
	}
	return in
}

func (h *harness) requestHandover(n int) {
	h.Helper()
	h.transact(func(tx *Transaction) {
		if v := tx.Receive(h.handoverRequest(n)); v != VerdictAccepted {
			h.Fatalf("verdict %v", v)
		}
	})
}

func TestHandoverRequestIsSentToDeskAsTranscript(t *testing.T) {
	h := newHarness(t, testPolicy(t, route.Rule{
		Name: "wanted", Events: []route.Event{route.EventHandoverRequested}, From: []string{"web"},
		When:  `attr("vendor.email") != ""`,
		Offer: route.NewOffer("desk"),
	}))
	h.requestHandover(3)
	h.openThread("desk", "d1")
	h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindConnected})
	h.customer("hello?")
	got := h.drain("desk")
	if len(got) != 3 || got[0] != "transcript 1/2 [handover_requested asked]" ||
		got[1] != "transcript 2/2 [handover_requested asked]" ||
		got[2] != "hello?" {
		t.Errorf("the desk gets %q", got)
	}
}

func TestHandoverRequestAlertsOwningDesk(t *testing.T) {
	p := testPolicy(t)
	p.Channels["web"].Owner = "night"
	h := newHarness(t, p)
	h.requestHandover(2)
	h.wantLines("the desk gets immediately", h.queue("night"), "open", "transcript [handover_requested asked]")
	h.openThread("night", "n1")
	h.drain("night")
	h.customer("hello?")
	h.wantLines("the desk gets next", h.queue("night"), "hello?")
}

func TestHandoverRequestIsSentToBotAsHistory(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.requestHandover(2)
	if d := lastChanges[*journal.Change_Disposed](h); len(d) > 0 {
		t.Errorf("disposed although it is history: %v", d)
	}
	h.customer("hello?")
	h.wantLines("the bot gets", h.queue("faq"), "open", "hello? [handover_requested asked]")
}

func TestHandoverRequestWithoutParts(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.requestHandover(0)
	if d := lastChanges[*journal.Change_Disposed](h); len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted {
		t.Errorf("disposed: %v, want unrouted", d)
	}
	h.customer("hello?")
	h.wantLines("the bot gets", h.queue("faq"), "open", "hello?")
}

func TestHandoverRequestOfBotIsNotHistory(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("hi")
	h.openThread("faq", "f1")
	h.receive(incoming{channel: "faq", thread: "f1", kind: envelope.KindHandoverRequested, text: "he wants a person"})
	if n := len(h.conv().History); n != 1 {
		t.Errorf("%d history entries, want only the customer's", n)
	}
}

func TestHandoverRequestIsMeasuredAsText(t *testing.T) {
	e := newHarness(t, testPolicy(t)).handoverRequest(3).Envelope
	if n, want := int(itemOf(state.Position{}, e).TextBytes), len(render.HandoverText(e)); n != want {
		t.Errorf("measured %d bytes, want %d", n, want)
	}
}
