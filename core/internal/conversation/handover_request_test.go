package conversation

import (
	"strings"
	"testing"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// handover is what a vendor's side says when it asks for a person: a dialogue of n lines.
func (s *stage) handover(n int) *inbound.Envelope {
	s.Helper()
	in := s.inbound(say{channel: "web", thread: "w1", kind: envelope.KindHandoverRequested})
	for i := range n {
		p := envelope.TextPart("line " + string(rune('a'+i)))
		p.Attributes = map[string]string{"role": []string{"customer", "bot", "tool"}[i%3]}
		in.Envelope.Parts = append(in.Envelope.Parts, p)
	}
	in.Envelope.Attributes = map[string]string{"vendor.email": "a@example.com", "reason": "asked"}
	var err error
	if in.Bytes, err = protocol.EncodeEnvelope(in.Envelope); err != nil {
		s.Fatalf("encode: %v", err)
	}
	return in
}

func (s *stage) handsOver(n int) {
	s.Helper()
	s.turn(func(tx *Transaction) {
		if v := tx.Receive(s.handover(n)); v != VerdictAccepted {
			s.Fatalf("verdict %v", v)
		}
	})
}

func TestHandoverTravelsToTheDesk(t *testing.T) {
	s := newStage(t, testPolicy(t, route.Rule{
		Name: "wanted", Events: []route.Event{route.EventHandoverRequested}, From: []string{"web"}, When: `attr("vendor.email") != ""`,
		Offer: route.NewOffer("desk"),
	}))
	s.handsOver(3)
	s.opened("desk", "d1")
	s.in(say{channel: "desk", thread: "d1", kind: envelope.KindConnected})
	s.customer("hello?")
	got := s.drain("desk")
	if len(got) != 3 || got[0] != "transcript 1/2 [handover_requested asked]" || got[1] != "transcript 2/2 [handover_requested asked]" || got[2] != "hello?" {
		t.Errorf("the desk gets %q", got)
	}
}

// TestHandoverToAnOwnerWhoMustBeCalled needs no rule: the owner is a person.
func TestHandoverToAnOwnerWhoMustBeCalled(t *testing.T) {
	p := testPolicy(t)
	p.Channels["web"].Owner = "night"
	s := newStage(t, p)
	s.handsOver(2)
	s.wantLines("the desk gets at once", s.queue("night"), "open", "transcript [handover_requested asked]")
	s.opened("night", "n1")
	s.drain("night")
	s.customer("hello?")
	s.wantLines("the desk gets then", s.queue("night"), "hello?")
}

// TestHandoverWithHistory has an owner that takes history beside a message.
func TestHandoverWithHistory(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.handsOver(2)
	if d := lastOf[*journal.Change_Disposed](s); len(d) > 0 {
		t.Errorf("disposed of though it travels: %v", d)
	}
	s.customer("hello?")
	s.wantLines("the bot gets", s.queue("faq"), "open", "hello? [handover_requested asked]")
}

func TestHandoverWithoutWords(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.handsOver(0)
	if d := lastOf[*journal.Change_Disposed](s); len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted {
		t.Errorf("disposed: %v, want unrouted", d)
	}
	s.customer("hello?")
	s.wantLines("the bot gets", s.queue("faq"), "open", "hello?")
}

// TestBotsHandoverIsNoHistory: only a customer's vendor tells of before.
func TestBotsHandoverIsNoHistory(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.customer("hi")
	s.opened("faq", "f1")
	s.in(say{channel: "faq", thread: "f1", kind: envelope.KindHandoverRequested, text: "he wants a person"})
	if n := len(s.conv().History); n != 1 {
		t.Errorf("%d entries of history, want the customer's alone", n)
	}
}

func TestHandedOver(t *testing.T) {
	s := newStage(t, testPolicy(t))
	e := s.handover(3).Envelope
	e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartFile, Name: "a.pdf"}, envelope.Part{Type: envelope.PartSuggestions})
	want := "Customer: line a\nAssistant: line b\nline c\n[file] a.pdf"
	if got := render.HandoverText(e); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := int(itemOf(state.Position{}, e).TextBytes); n != len(want) {
		t.Errorf("counted %d bytes, want %d", n, len(want))
	}
	if strings.Contains(render.HandoverText(&envelope.Envelope{}), "\n") {
		t.Error("no parts give lines")
	}
}
