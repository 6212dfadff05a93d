package conversation

import (
	"fmt"
	"testing"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
)

func TestDuplicates(t *testing.T) {
	const digests, slack = 64, 32 // as in package state
	s := newStage(t, testPolicy(t))
	first := say{channel: "web", thread: "w1", text: "hello", id: "v0"}
	s.in(first)
	if v := s.in(first); v != VerdictDuplicate {
		t.Fatalf("verdict on a repetition is %v", v)
	}
	if v := s.in(say{channel: "web", thread: "w2", text: "hello", id: "v0"}); v != VerdictAccepted {
		t.Fatalf("verdict on the same id on another thread is %v", v)
	}
	for i := range digests - 1 {
		s.in(say{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("w", i)})
	}
	if v := s.in(first); v != VerdictDuplicate {
		t.Fatalf("forgotten while the ring has room: %v", v)
	}
	for i := range slack + 1 {
		s.in(say{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("last", i)})
	}
	if v := s.in(first); v != VerdictAccepted {
		t.Fatalf("the ring is not bounded: %v", v)
	}
	if n := len(s.conv().Digests); n < digests || n > digests+slack {
		t.Fatalf("ring has %d ids", n)
	}
}

func TestBusyWhenTooMuchWaits(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.turn(func(tx *Transaction) {
		for range MaxUndelivered - 1 {
			tx.Receive(s.inbound(say{channel: "web", thread: "w1", text: "x"}))
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
	s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultRetry, Replies: nil})
	full := s.inbound(say{channel: "faq", thread: "faq-1", text: "answer"})
	s.turn(func(tx *Transaction) { tx.Receive(s.inbound(say{channel: "web", thread: "w1", text: "y"})) })
	s.result(state.Delivery{ID: s.head("faq").ID, Channel: "faq", Kind: state.KindSend}, delivery.Outcome{Replies: []*inbound.Envelope{full, full}})
	if n := len(s.state.DeadLetters()); n != 1 {
		t.Fatalf("%d dead letters, want the answer that had no room; %d wait", n, s.conv().Undelivered())
	}
}
