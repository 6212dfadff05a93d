package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestOrphans(t *testing.T) {
	t.Run("adopted", func(t *testing.T) {
		s := newStage(t, testPolicy(t, storyRules()...))
		s.customer("human")
		s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
		s.in(say{channel: "desk", thread: "desk-1", text: "what is it?"})
		if n, _ := s.state.Pending(); n != 2 {
			t.Fatalf("%d orphans", n)
		}
		s.wantOwner("faq", 1)
		s.opened("desk", "desk-1")
		s.wantOwner("desk", 2)
		if n, _ := s.state.Pending(); n != 0 {
			t.Fatalf("%d orphans are left", n)
		}
		s.wantLines("to the customer", s.drain("web"), "One moment.", "passed desk ask-for-a-person", "Ann here", "what is it?")
		s.wantLines("to the desk", s.drain("desk"), "human")
	})
	t.Run("unrouted", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.in(say{channel: "desk", thread: "nobody's", text: "hello?"})
		s.wait(PendingWait - time.Nanosecond)
		if n, at := s.state.Pending(); n != 1 || !at.After(s.now) {
			t.Fatalf("%d orphans, due %v, now %v", n, at, s.now)
		}
		s.wait(time.Nanosecond)
		if n, _ := s.state.Pending(); n != 0 {
			t.Fatalf("%d orphans are left", n)
		}
		d := lastOf[*journal.Change_Disposed](s)
		if len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted {
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

// TestOrphansOfAThreadThatIsNotOpenedAgain: words on a thread of a former term wait while the next one is opened. If none is, they are
// what they were before: not the owner's.
func TestOrphansOfAThreadThatIsNotOpenedAgain(t *testing.T) {
	for name, end := range map[string]func(*stage){
		"offer expired": func(s *stage) { s.wait(2 * time.Second) },
		"given up": func(s *stage) {
			s.result(s.head("night"), delivery.Outcome{Result: delivery.ResultDead, Error: "permanent"})
		},
		"another passed": func(s *stage) { s.customer("desk") },
	} {
		t.Run(name, func(t *testing.T) {
			night := route.NewOffer("night")
			night.Within = 2 * time.Second
			s := newStage(t, testPolicy(t,
				route.Rule{Name: "ask", From: []string{"customer"}, When: `text == "night"`, Offer: night},
				route.Rule{Name: "pass", From: []string{"customer"}, When: `text == "desk"`, Pass: "desk"},
			))
			s.customer("night")
			s.opened("night", "user-1")
			s.wait(3 * time.Second)
			s.drain("night")
			s.customer("night")
			s.in(say{channel: "night", thread: "user-1", text: "Is anybody there?"})
			if n, _ := s.state.Pending(); n != 1 {
				t.Fatalf("%d wait while the question is put, want 1", n)
			}
			end(s)
			for s.state.PendingReady() {
				s.turn(func(tx *Transaction) { tx.AdmitPending() })
			}
			if n, _ := s.state.Pending(); n != 0 {
				t.Errorf("%d wait after the question", n)
			}
			s.want("fate", s.fate("Is anybody there?"), "fenced")
		})
	}
}

func TestManyOrphansAreAdoptedInTurns(t *testing.T) {
	s := newStage(t, testPolicy(t, storyRules()...))
	s.customer("human")
	var want []string
	early := func(text string) {
		s.turn(func(tx *Transaction) {
			if v := tx.Receive(s.inbound(say{channel: "desk", thread: "desk-1", text: text})); v != VerdictAccepted {
				t.Fatalf("verdict on %q is %v", text, v)
			}
		})
		want = append(want, text)
	}
	s.together(func() {
		for i := range maxAdmittedAtOnce + 20 {
			early(fmt.Sprint("word ", i))
		}
	})
	early(strings.Repeat("x", 2*maxAdmittedBytes))
	s.opened("desk", "desk-1")
	if n, _ := s.state.Pending(); n != 21 || !s.state.PendingReady() {
		t.Fatalf("%d orphans are left, unadopted %v; want 21, true", n, s.state.PendingReady())
	}
	early("behind those that still wait")
	turns := 0
	for ; s.state.PendingReady(); turns++ {
		s.turn(func(tx *Transaction) { tx.AdmitPending() })
	}
	if n, _ := s.state.Pending(); n != 0 || turns != 3 {
		t.Fatalf("%d orphans are left after %d turns, want 0 after 3", n, turns)
	}
	got := s.drain("web")
	for i, text := range want { // as the stage cuts it short
		if len(text) > 24 {
			want[i] = text[:20] + "…"
		}
	}
	s.wantLines("to the customer", got[len(got)-len(want):], want...)
}

func TestOrphansAreBounded(t *testing.T) {
	fill := func(s *stage, channel, text string) (n int) {
		tx := Begin(s.state, s.policy, s.now, s.seq+1, s.newID)
		for n <= MaxPending && tx.Receive(s.inbound(say{channel: channel, thread: fmt.Sprint(n), text: text})) == VerdictAccepted {
			n++
		}
		s.see(tx.Record())
		tx.Commit()
		s.seq++
		v := s.view(s.state)
		s.pendingCounted("filling", s.state, &v)
		return n
	}
	s := newStage(t, testPolicy(t))
	if n := fill(s, "desk", "hello?"); n != maxPendingPerChannel {
		t.Errorf("%d of one channel wait, want %d", n, maxPendingPerChannel)
	}
	if v := Begin(s.state, s.policy, s.now, s.seq+1, s.newID).Receive(s.inbound(say{channel: "night", thread: "1", text: "hi"})); v != VerdictAccepted {
		t.Errorf("verdict on another channel's is %v", v)
	}
	if n := fill(s, "night", strings.Repeat("x", maxPendingBytes/100)); n != 99 {
		t.Errorf("%d large ones wait, want 99", n)
	}
	s.now = s.now.Add(time.Hour)
	for range 2 * maxPendingPerChannel / maxPendingExpiredAtOnce {
		tx := Begin(s.state, s.policy, s.now, s.seq+1, s.newID)
		tx.ExpirePending()
		if n := len(tx.Record().GetChanges()); n > 2*maxPendingExpiredAtOnce {
			t.Errorf("a record of %d changes", n)
		}
		tx.Commit()
		v := s.view(s.state)
		s.pendingCounted("expiring", s.state, &v)
	}
	if n, _ := s.state.Pending(); n != 0 {
		t.Errorf("%d are left", n)
	}
}
