package conversation

import (
	"fmt"
	"testing"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
)

func TestDuplicates(t *testing.T) {
	const digests, slack = 64, 32 // as in package state
	h := newHarness(t, testPolicy(t))
	first := incoming{channel: "web", thread: "w1", text: "hello", id: "v0"}
	h.receive(first)
	if v := h.receive(first); v != VerdictDuplicate {
		t.Fatalf("verdict on a duplicate is %v", v)
	}
	if v := h.receive(incoming{channel: "web", thread: "w2", text: "hello", id: "v0"}); v != VerdictAccepted {
		t.Fatalf("verdict on the same id on another thread is %v", v)
	}
	for i := range digests - 1 {
		h.receive(incoming{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("w", i)})
	}
	if v := h.receive(first); v != VerdictDuplicate {
		t.Fatalf("the digest was dropped too early: %v", v)
	}
	for i := range slack + 1 {
		h.receive(incoming{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("last", i)})
	}
	if v := h.receive(first); v != VerdictAccepted {
		t.Fatalf("the digests are not bounded: %v", v)
	}
	if n := len(h.conv().Digests); n < digests || n > digests+slack {
		t.Fatalf("%d digests", n)
	}
}

func TestBusyWithTooManyUndelivered(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.transact(func(tx *Transaction) {
		for range MaxUndelivered - 1 {
			tx.Receive(h.inbound(incoming{channel: "web", thread: "w1", text: "x"}))
		}
	})
	m := incoming{channel: "web", thread: "w1", text: "one too many", id: "v"}
	if v := h.receive(m); v != VerdictBusy {
		t.Fatalf("verdict is %v with %d undelivered", v, h.conv().Undelivered())
	}
	h.openThread("faq", "faq-1")
	if v := h.receive(m); v != VerdictAccepted {
		t.Fatalf("verdict is %v when there is room again", v)
	}
	// A reply to a call cannot be refused, so it becomes a dead letter.
	h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultRetry, Replies: nil})
	full := h.inbound(incoming{channel: "faq", thread: "faq-1", text: "answer"})
	h.transact(func(tx *Transaction) { tx.Receive(h.inbound(incoming{channel: "web", thread: "w1", text: "y"})) })
	h.outcome(
		state.Delivery{ID: h.head("faq").ID, Channel: "faq", Kind: state.KindSend},
		attempt.Outcome{Replies: []*inbound.Envelope{full, full}},
	)
	if n := len(h.state.DeadLetters()); n != 1 {
		t.Fatalf("%d dead letters, want the refused reply; %d undelivered", n, h.conv().Undelivered())
	}
}
