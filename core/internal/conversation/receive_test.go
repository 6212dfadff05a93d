package conversation

import (
	"fmt"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
)

func TestRepeatedPushIsRecognized(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	const batch = 200
	push := func(want Verdict) {
		t.Helper()
		h.inOneRecord(func() {
			for i := range batch {
				h.batched = append(h.batched, func(tx *Transaction) {
					m := incoming{channel: "web", thread: "w1", text: "hello", id: fmt.Sprint("v", i)}
					if v := tx.Receive(h.inbound(m)); v != want {
						t.Errorf("verdict on message %d is %v, want %v", i, v, want)
					}
				})
			}
		})
	}
	push(VerdictAccepted)
	push(VerdictDuplicate)
	if v := h.receive(incoming{channel: "web", thread: "w2", text: "hello", id: "v0"}); v != VerdictAccepted {
		t.Errorf("verdict on the same id on another thread is %v", v)
	}
	if n := h.conv().Undelivered(); n != batch+1 {
		t.Errorf("%d undelivered, want %d and the open", n, batch)
	}
}

func TestRepeatsAreRecognizedAfterTheConversation(t *testing.T) {
	p := testPolicy(t)
	p.CloseAfter = time.Hour
	h := newHarness(t, p)
	first := incoming{channel: "web", thread: "w1", text: "hello", id: "v0"}
	h.receive(first)
	h.drain("faq")
	h.advance(p.CloseAfter)
	h.advance(closedRetention)
	if id := h.state.Find("web", "w1"); id != "" {
		t.Fatalf("conversation %s has not ended", id)
	}
	if v := h.receive(first); v != VerdictDuplicate {
		t.Errorf("verdict on a repeat after the conversation is %v", v)
	}
	h.advance(state.IDRetention - p.CloseAfter - closedRetention - time.Second)
	if v := h.receive(first); v != VerdictDuplicate {
		t.Errorf("verdict on a repeat within %s is %v", state.IDRetention, v)
	}
	h.advance(2 * time.Hour)
	if v := h.receive(first); v != VerdictAccepted {
		t.Errorf("verdict on a repeat after more than %s is %v", state.IDRetention, v)
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
