package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestPendingEnvelopes(t *testing.T) {
	t.Run("admitted", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, handoverRules()...))
		h.customer("human")
		h.receive(incoming{channel: "desk", thread: "desk-1", text: "Ann here"})
		h.receive(incoming{channel: "desk", thread: "desk-1", text: "what is it?"})
		if n, _ := h.state.Pending(); n != 2 {
			t.Fatalf("%d pending", n)
		}
		h.wantOwner("faq", 1)
		h.openThread("desk", "desk-1")
		h.wantOwner("desk", 2)
		if n, _ := h.state.Pending(); n != 0 {
			t.Fatalf("%d pending remain", n)
		}
		h.wantLines(
			"to the customer",
			h.drain("web"),
			"One moment.",
			"passed agent offer",
			"Ann here",
			"what is it?",
		)
		h.wantLines("to the desk", h.drain("desk"), "human")
	})
	t.Run("unrouted", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.receive(incoming{channel: "desk", thread: "nobody's", text: "hello?"})
		id := h.lastRecord.GetEnvelopes()[0].GetId()
		h.advance(PendingWait - time.Nanosecond)
		if n, at := h.state.Pending(); n != 1 || !at.After(h.now) {
			t.Fatalf("%d pending, due %v, now %v", n, at, h.now)
		}
		h.advance(time.Nanosecond)
		if n, _ := h.state.Pending(); n != 0 {
			t.Fatalf("%d pending remain", n)
		}
		d := lastChanges[*journal.Change_Disposed](h)
		if len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted || id == "" || d[0].Disposed.GetId() != id {
			t.Fatalf("disposed: %v, want %s as unrouted", d, id)
		}
	})
	t.Run("wait as long as a slow open", func(t *testing.T) {
		p := testPolicy(t, handoverRules()...)
		p.Channels["desk"].Timeout = 10 * time.Second
		h := newHarness(t, p)
		h.customer("human")
		h.receive(incoming{channel: "desk", thread: "desk-1", text: "Ann here"})
		h.advance(10 * time.Second)
		h.openThread("desk", "desk-1")
		h.wantOwner("desk", 2)
	})
	t.Run("keep id and hops", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, handoverRules()...))
		h.customer("human")
		h.receive(incoming{channel: "desk", thread: "desk-1", text: "Ann here", hops: 3})
		id := h.lastRecord.GetEnvelopes()[0].GetId()
		h.openThread("desk", "desk-1")
		if e := h.lastRecord.GetEnvelopes()[0]; e.GetId() != id || e.GetHops() != 3 {
			t.Fatalf("admitted as %s after %d hops, was %s after 3", e.GetId(), e.GetHops(), id)
		}
	})
	t.Run("a reused thread id", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, route.Rule{
			Name: "ask", From: []string{"customer"}, When: `text == "night"`, Offer: route.NewOffer("night"),
		}))
		h.customer("night")
		h.openThread("night", "user-1")
		h.advance(61 * time.Second)
		h.drain("night")
		h.customer("night")
		h.receive(incoming{channel: "night", thread: "user-1", kind: envelope.KindConnected})
		h.wantOwner("faq", 1) // the gateway does not know yet which offer was accepted
		h.openThread("night", "user-1")
		h.wantOwner("night", 2)
		h.wantLines("to the desk", h.drain("night"), "night", "night")
	})
}

// Envelopes on a channel's former thread are pending while its next thread is opened. If the open fails, they are
// fenced.
func TestPendingEnvelopesAfterOpenFails(t *testing.T) {
	for name, end := range map[string]func(*harness){
		"offer expired": func(h *harness) { h.advance(2 * time.Second) },
		"given up": func(h *harness) {
			h.outcome(h.head("night"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		},
		"another passed": func(h *harness) { h.customer("desk") },
	} {
		t.Run(name, func(t *testing.T) {
			night := route.NewOffer("night")
			night.Within = 2 * time.Second
			h := newHarness(t, testPolicy(t,
				route.Rule{Name: "ask", From: []string{"customer"}, When: `text == "night"`, Offer: night},
				route.Rule{Name: "pass", From: []string{"customer"}, When: `text == "desk"`, Pass: "desk"},
			))
			h.customer("night")
			h.openThread("night", "user-1")
			h.advance(3 * time.Second)
			h.drain("night")
			h.customer("night")
			h.receive(incoming{channel: "night", thread: "user-1", text: "Is anybody there?"})
			if n, _ := h.state.Pending(); n != 1 {
				t.Fatalf("%d pending during the open, want 1", n)
			}
			end(h)
			for h.state.PendingReady() {
				h.transact(func(tx *Transaction) { tx.AdmitPending() })
			}
			if n, _ := h.state.Pending(); n != 0 {
				t.Errorf("%d pending after the open", n)
			}
			h.want("status", h.status("Is anybody there?"), "fenced")
		})
	}
}

func TestPendingEnvelopesAreAdmittedInSeveralRecords(t *testing.T) {
	h := newHarness(t, testPolicy(t, handoverRules()...))
	h.customer("human")
	var want []string
	early := func(text string) {
		h.transact(func(tx *Transaction) {
			if v := tx.Receive(h.inbound(incoming{channel: "desk", thread: "desk-1", text: text})); v != VerdictAccepted {
				t.Fatalf("verdict on %q is %v", text, v)
			}
		})
		want = append(want, text)
	}
	h.inOneRecord(func() {
		for i := range maxAdmittedAtOnce + 20 {
			early(fmt.Sprint("word ", i))
		}
	})
	early(strings.Repeat("x", 2*maxAdmittedBytes))
	h.openThread("desk", "desk-1")
	if n, _ := h.state.Pending(); n != 21 || !h.state.PendingReady() {
		t.Fatalf("%d pending remain, ready %v; want 21, true", n, h.state.PendingReady())
	}
	early("behind the pending ones")
	turns := 0
	for ; h.state.PendingReady(); turns++ {
		h.transact(func(tx *Transaction) { tx.AdmitPending() })
	}
	if n, _ := h.state.Pending(); n != 0 || turns != 3 {
		t.Fatalf("%d pending remain after %d records, want 0 after 3", n, turns)
	}
	got := h.drain("web")
	for i, text := range want { // as harness.text abbreviates it
		if len(text) > 24 {
			want[i] = text[:20] + "…"
		}
	}
	h.wantLines("to the customer", got[len(got)-len(want):], want...)
}

func TestPendingEnvelopesAreBounded(t *testing.T) {
	fill := func(h *harness, channel, text string) (n int) {
		tx := Begin(h.state, h.policy, h.now, h.seq+1, h.newID)
		for n <= MaxPending {
			m := incoming{channel: channel, thread: fmt.Sprint(n), text: text}
			if tx.Receive(h.inbound(m)) != VerdictAccepted {
				break
			}
			n++
		}
		h.noteThreads(tx.Record())
		tx.Commit()
		h.seq++
		v := h.view(h.state)
		h.checkPendingCounts("filling", h.state, &v)
		return n
	}
	h := newHarness(t, testPolicy(t))
	if n := fill(h, "desk", "hello?"); n != maxPendingPerChannel {
		t.Errorf("%d pending of one channel, want %d", n, maxPendingPerChannel)
	}
	tx := Begin(h.state, h.policy, h.now, h.seq+1, h.newID)
	if v := tx.Receive(h.inbound(incoming{channel: "night", thread: "1", text: "hi"})); v != VerdictAccepted {
		t.Errorf("verdict on another channel's envelope is %v", v)
	}
	if n := fill(h, "night", strings.Repeat("x", maxPendingBytes/100)); n != 99 {
		t.Errorf("%d large pending envelopes, want 99", n)
	}
	h.now = h.now.Add(time.Hour)
	for range 2 * maxPendingPerChannel / maxPendingExpiredAtOnce {
		tx := Begin(h.state, h.policy, h.now, h.seq+1, h.newID)
		tx.ExpirePending()
		if n := len(tx.Record().GetChanges()); n > 2*maxPendingExpiredAtOnce {
			t.Errorf("a record of %d changes", n)
		}
		tx.Commit()
		v := h.view(h.state)
		h.checkPendingCounts("expiring", h.state, &v)
	}
	if n, _ := h.state.Pending(); n != 0 {
		t.Errorf("%d pending remain", n)
	}
}

// A vendor does not repeat a pending envelope. If its conversation has too many deliveries when it is admitted, it
// becomes a dead letter.
func TestAdmittedEnvelopeWithoutRoomIsKept(t *testing.T) {
	h := departureHarness(t)
	h.agentLeaves(h.now)
	h.customer("hello?")
	h.transact(func(tx *Transaction) {
		for range MaxUndelivered {
			tx.Receive(h.inbound(incoming{channel: "desk", thread: "d1", text: "good bye", sent: h.now}))
		}
	})
	h.advance(departureGrace)
	h.advance(0)
	dead := h.state.DeadLetters()
	if len(dead) != 1 || dead[0].Error != "undecided" || h.text(dead[0].Delivery.Item.Pos) != "hello?" {
		t.Fatalf("dead letters %+v, want the customer's message", dead)
	}
}
