package conversation

import (
	"fmt"
	"testing"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

func TestDuplicates(t *testing.T) {
	s := newStage(t, testPolicy(t))
	first := say{channel: "web", thread: "w1", text: "hello", id: "v0"}
	s.in(first)
	if v := s.in(first); v != VerdictDuplicate {
		t.Fatalf("verdict on a repetition is %v", v)
	}
	if v := s.in(say{channel: "web", thread: "w2", text: "hello", id: "v0"}); v != VerdictAccepted {
		t.Fatalf("verdict on the same id on another thread is %v", v)
	}
	for i := range ringSize - 1 {
		s.in(say{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("w", i)})
	}
	if v := s.in(first); v != VerdictDuplicate {
		t.Fatalf("forgotten while the ring has room: %v", v)
	}
	for i := range trimSlack + 1 {
		s.in(say{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("last", i)})
	}
	if v := s.in(first); v != VerdictAccepted {
		t.Fatalf("the ring is not bounded: %v", v)
	}
	if n := len(s.conv().Ring); n < ringSize || n > ringSize+trimSlack {
		t.Fatalf("ring has %d ids", n)
	}
}

func TestBusyWhenTooMuchWaits(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.turn(func(t *Turn) {
		for range MaxUndelivered - 1 {
			t.Inbound(s.inbound(say{channel: "web", thread: "w1", text: "x"}))
		}
	})
	m := say{channel: "web", thread: "w1", text: "one too many", id: "v"}
	if v := s.in(m); v != VerdictBusy {
		t.Fatalf("verdict is %v with %d waiting", v, s.conv().Undelivered())
	}
	s.opened("faq", "faq-1")
	if v := s.in(m); v != VerdictAccepted {
		t.Fatalf("verdict is %v when there is room again", v)
	}
	// An answer in the same breath can't be sent back to its vendor, so it is kept.
	s.result(s.head("faq"), Outcome{Result: ResultRetry, Replies: nil})
	full := s.inbound(say{channel: "faq", thread: "faq-1", text: "answer"})
	s.turn(func(t *Turn) { t.Inbound(s.inbound(say{channel: "web", thread: "w1", text: "y"})) })
	s.result(Delivery{ID: s.head("faq").ID, Channel: "faq", Kind: KindSend}, Outcome{Replies: []*Inbound{full, full}})
	if n := len(s.book.Dead()); n != 1 {
		t.Fatalf("%d dead letters, want the answer that had no room; %d wait", n, s.conv().Undelivered())
	}
}

func TestOrphans(t *testing.T) {
	t.Run("adopted", func(t *testing.T) {
		s := newStage(t, testPolicy(t, storyRules()...))
		s.customer("human")
		s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
		s.in(say{channel: "desk", thread: "desk-1", text: "what is it?"})
		if n, _ := s.book.Orphans(); n != 2 {
			t.Fatalf("%d orphans", n)
		}
		s.wantOwner("faq", 1)
		s.opened("desk", "desk-1")
		s.wantOwner("desk", 2)
		if n, _ := s.book.Orphans(); n != 0 {
			t.Fatalf("%d orphans are left", n)
		}
		s.wantLines("to the customer", s.drain("web"), "One moment.", "passed desk ask-for-a-person", "Ann here", "what is it?")
		s.wantLines("to the desk", s.drain("desk"), "human")
	})
	t.Run("unrouted", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.in(say{channel: "desk", thread: "nobody's", text: "hello?"})
		s.wait(OrphanWait - time.Nanosecond)
		if n, at := s.book.Orphans(); n != 1 || !at.After(s.now) {
			t.Fatalf("%d orphans, due %v, now %v", n, at, s.now)
		}
		s.wait(time.Nanosecond)
		if n, _ := s.book.Orphans(); n != 0 {
			t.Fatalf("%d orphans are left", n)
		}
		d := lastOf[*journal.Change_Disposed](s)
		if len(d) != 1 || d[0].Disposed.GetStatus() != StatusUnrouted {
			t.Fatalf("disposed: %v", d)
		}
	})
	t.Run("wait for a call that opens slowly", func(t *testing.T) {
		p := testPolicy(t, storyRules()...)
		p.Channels["desk"].Timeout = 10 * time.Second
		s := newStage(t, p)
		s.customer("human")
		s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
		s.wait(10 * time.Second)
		s.opened("desk", "desk-1")
		s.wantOwner("desk", 2)
	})
	t.Run("keep their identity", func(t *testing.T) {
		s := newStage(t, testPolicy(t, storyRules()...))
		s.customer("human")
		s.in(say{channel: "desk", thread: "desk-1", text: "Ann here", hops: 3})
		id := s.last.GetEnvelopes()[0].GetId()
		s.opened("desk", "desk-1")
		if e := s.last.GetEnvelopes()[0]; e.GetId() != id || e.GetHops() != 3 {
			t.Fatalf("adopted as %s after %d hops, was %s after 3", e.GetId(), e.GetHops(), id)
		}
	})
	t.Run("a thread of the same name", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{
			Name: "ask", From: []string{"customer"}, When: `text == "night"`, Offer: route.NewOffer("night"),
		}))
		s.customer("night")
		s.opened("night", "user-1")
		s.wait(61 * time.Second)
		s.drain("night")
		s.customer("night")
		s.in(say{channel: "night", thread: "user-1", kind: envelope.KindConnected})
		s.wantOwner("faq", 1) // it is not known yet which question was answered
		s.opened("night", "user-1")
		s.wantOwner("night", 2)
		s.wantLines("to the desk", s.drain("night"), "night", "night")
	})
}
