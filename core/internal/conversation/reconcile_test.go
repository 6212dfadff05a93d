package conversation

import (
	"testing"

	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestCloseAfterIdle(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.customer("hello")
	if at := NextDeadline(s.conv(), s.policy); !at.IsZero() {
		t.Fatalf("a conversation with undelivered messages closes at %v", at)
	}
	s.drain("faq")
	at := NextDeadline(s.conv(), s.policy)
	if want := s.now.Add(s.policy.CloseAfter); !at.Equal(want) {
		t.Fatalf("closes at %v, want %v", at, want)
	}
	s.wait(s.policy.CloseAfter - 1)
	if s.state.Len() != 1 {
		t.Fatal("closed early")
	}
	s.wait(1)
	if s.state.Len() != 0 {
		t.Fatal("the conversation is still there")
	}
	for th := range s.seen {
		if id := s.state.Find(th.channel, th.thread); id != "" {
			t.Fatalf("thread %v still leads to %s", th, id)
		}
	}
	s.customer("hello again")
	s.wantOwner("faq", 1)
}

func TestReconcile(t *testing.T) {
	without := func(s *stage, names ...string) {
		p := *s.policy
		p.Channels = map[string]*Channel{}
		for n, ch := range s.policy.Channels {
			p.Channels[n] = ch
		}
		for _, n := range names {
			delete(p.Channels, n)
		}
		s.policy = &p
		s.turn(func(tx *Transaction) {
			for _, id := range Inconsistent(s.state, s.policy) {
				tx.Reconcile(id)
			}
		})
	}
	t.Run("the owner is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		s.customer("old")
		s.customer("two")
		without(s, "old")
		s.wantOwner("faq", 3)
		s.wantLines("to home", s.queue("faq"), "open", "old", "two")
	})
	t.Run("the offered channel is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("night")})))
		s.customer("ask")
		without(s, "night")
		s.want("fate", s.fate("ask"), state.StatusQueued)
		if len(s.state.DeadLetters()) > 0 {
			t.Fatalf("dead letters: %v", s.state.DeadLetters())
		}
	})
	t.Run("home is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("home", route.Rule{Home: "old"})))
		s.customer("home")
		without(s, "old")
		s.wantOwner("faq", 3)
		s.want("home", s.conv().Home, "faq")
	})
	t.Run("an observer is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
		s.customer("hello")
		without(s, "audit")
		if l := s.state.DeadLetters(); len(l) != 1 || l[0].Error != "unconfigured" || l[0].Delivery.Item.Pos.Seq == 0 {
			t.Fatalf("dead letters: %+v", l)
		}
		s.want("the original", s.fate("hello"), state.StatusQueued)
	})
	t.Run("messages to a channel that went away before reconciling", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.drain("faq")
		p := *s.policy
		p.Channels = map[string]*Channel{"web": s.policy.Channels["web"]}
		s.policy, s.unsettled = &p, true
		s.turn(func(tx *Transaction) { tx.Receive(s.inbound(say{channel: "web", thread: "w1", text: "lost?"})) })
		l := s.state.DeadLetters()
		if len(l) != 1 || l[0].Delivery.Item.Pos.Seq == 0 || !l[0].Delivery.Follows || l[0].Delivery.Channel != "faq" {
			t.Fatalf("dead letters: %+v", l)
		}
	})
}
