package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestFence(t *testing.T) {
	t.Run("not the owner", func(t *testing.T) {
		s := atDesk(t)
		s.in(say{channel: "faq", thread: "faq-1", text: "me too"})
		s.want("fate", s.fate("me too"), state.StatusFenced)
		s.wantLines("to the customer", s.queue("web"))
		s.customer("x")
		if c := s.conv(); len(c.History) != 3 {
			t.Errorf("what was fenced travels with control: %v", c.History)
		}
	})
	t.Run("former thread of a desk", func(t *testing.T) {
		s := atDesk(t)
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.customer("human")
		s.opened("desk", "desk-2")
		s.in(say{channel: "desk", thread: "desk-2", kind: envelope.KindConnected})
		s.wantOwner("desk", 4)
		s.in(say{channel: "desk", thread: "desk-1", text: "I am late"})
		s.want("fate", s.fate("I am late"), state.StatusFenced)
	})
	t.Run("in flight at the handover", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "go"`, Pass: "desk"}))
		s.customer("question")
		s.opened("faq", "faq-1")
		flying := s.head("faq")
		s.customer("go")
		s.want("fate", s.fate("question"), state.StatusQueued)
		s.wantLines("to the desk", s.queue("desk"), "open", "question", "go")
		s.result(flying, delivery.Outcome{Replies: []*inbound.Envelope{s.inbound(say{channel: "faq", text: "answer"})}})
		s.want("fate", s.fate("answer"), state.StatusFenced)
		s.want("fate", s.fate("question"), state.StatusQueued)
	})
	t.Run("reply of a call of an earlier term of the same owner", func(t *testing.T) {
		p := testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "faq"`, Pass: "faq"},
			route.Rule{Name: "q", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
		p.Owner = "old"
		s := newStage(t, p)
		s.customer("question")
		flying := s.head("old")
		s.customer("faq")
		s.customer("old")
		s.wantOwner("old", 3)
		s.result(flying, delivery.Outcome{Replies: []*inbound.Envelope{s.inbound(say{channel: "old", text: "answer"})}})
		s.want("fate", s.fate("answer"), state.StatusFenced)
	})
	t.Run("the same bot's thread of an earlier term", func(t *testing.T) {
		s := atDesk(t)
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.wantOwner("faq", 3)
		s.in(say{channel: "faq", thread: "faq-1", text: "as I said"})
		s.want("before the new thread is opened", s.fate("as I said"), state.StatusFenced)
		s.customer("well")
		s.in(say{channel: "faq", thread: "faq-1", text: "so long"})
		s.want("while it is opened", s.fate("so long"), state.StatusFenced)
	})
	t.Run("sent before control moved", func(t *testing.T) {
		s := keptThread(t)
		old := s.conv().CustomerID()
		s.in(say{channel: "old", thread: old, text: "second", sent: s.now})
		s.customer("faq")
		s.customer("old")
		s.in(say{channel: "old", thread: old, text: "first", sent: s.now.Add(-time.Second)})
		s.want("fate", s.fate("second")+" "+s.fate("first"), "queued fenced")
	})
	t.Run("by the vendor's clock", func(t *testing.T) {
		s := keptThread(t)
		old := s.conv().CustomerID()
		at := s.now
		s.in(say{channel: "old", thread: old, text: "first", sent: at})
		s.customer("faq")
		s.in(say{channel: "old", thread: old, text: "second", sent: at.Add(5 * time.Second)})
		s.customer("old")
		s.in(say{channel: "old", thread: old, text: "zeroth", sent: at.Add(-time.Second)})
		s.in(say{channel: "old", thread: old, text: "third", sent: at.Add(3 * time.Second)})
		s.in(say{channel: "old", thread: old, text: "fourth", sent: at.Add(6 * time.Second)})
		for text, want := range map[string]string{
			"first": state.StatusQueued, "second": state.StatusFenced, "zeroth": state.StatusFenced, "third": state.StatusFenced, "fourth": state.StatusQueued,
		} {
			s.want(text, s.fate(text), want)
		}
	})
	t.Run("observer", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
		s.customer("hello")
		s.in(say{channel: "audit", thread: s.conv().CustomerID(), text: "I see"})
		s.want("fate", s.fate("I see"), state.StatusFenced)
	})
}

func keptThread(t tester) *stage {
	p := testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "faq"`, Pass: "faq"},
		route.Rule{Name: "q", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
	p.Owner = "old"
	s := newStage(t, p)
	s.customer("hello")
	s.drain("old")
	return s
}
