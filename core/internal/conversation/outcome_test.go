package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestResults(t *testing.T) {
	t.Run("retry keeps the head, give-up ends it", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.customer("two")
		s.opened("faq", "faq-1")
		next := s.now.Add(3 * time.Second)
		s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultRetry, Error: "transient", Text: "503", Next: next})
		if d := s.head("faq"); d.Attempts != 1 || !d.NextAt.Equal(next) || s.line(&d) != "one" || d.Error != "transient" {
			t.Fatalf("after a try: %+v", d)
		}
		if at := NextDeadline(s.conv(), s.policy); !at.Equal(next) {
			t.Fatalf("next at %v, want %v", at, next)
		}
		s.now = s.now.Add(time.Hour)
		s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultRetry, Error: "transient", Next: s.now})
		s.want("fate", s.fate("one")+" "+s.fate("two"), "dead queued")
		if l := s.state.DeadLetters(); len(l) != 1 || l[0].Attempts != 2 || l[0].Error != "transient" || !l[0].Delivery.Follows {
			t.Fatalf("dead letters: %+v", l)
		}
	})
	t.Run("what fails before the call is no attempt", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.opened("faq", "faq-1")
		try := func(unasked bool, attempts uint32) {
			t.Helper()
			next := s.now.Add(3 * time.Second)
			s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultRetry, Error: "transient", Text: "why", Next: next, NotCalled: unasked})
			if d := s.head("faq"); d.Attempts != attempts || d.NotCalled != unasked || !d.NextAt.Equal(next) || d.Text != "why" {
				t.Fatalf("after a try: %+v, want %d attempts", d, attempts)
			}
		}
		try(true, 0)
		try(true, 0)
		try(false, 1)
		try(true, 1)
		try(false, 2)
	})
	t.Run("gone opens again, with history, in order", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("zero")
		s.drain("faq")
		s.customer("one")
		s.customer("two")
		s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
		s.wantLines("to the bot", s.queue("faq"), "open", "one [zero]", "two")
		s.opened("faq", "faq-again")
		s.in(say{channel: "faq", thread: "faq-again", text: "welcome back"})
		s.want("answer on the new thread", s.fate("welcome back"), state.StatusQueued)
		for range maxReopened - 1 {
			s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
			s.opened("faq", "faq-"+s.newID())
		}
		s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
		s.want("fate", s.fate("one")+" "+s.fate("two"), "dead queued")
	})
	t.Run("gone transcripts are bounded", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Home: "desk", Pass: "desk"})))
		s.customer("zero")
		s.drain("faq")
		s.customer("desk")
		for range maxReopened {
			s.opened("desk", "desk-"+s.newID())
			s.result(s.head("desk"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
			s.wantLines("to the desk", s.queue("desk"), "open", "transcript [zero]", "desk")
		}
		s.opened("desk", "desk-last")
		s.result(s.head("desk"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
		s.wantLines("to the desk", s.queue("desk"), "desk")
	})
	t.Run("an agent whose session is over has left", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}),
			route.Rule{Name: "left", Events: []route.Event{route.EventDisconnected}, Say: "Back to the assistant.", Pass: route.Home}))
		s.customer("desk")
		s.opened("desk", "desk-1")
		s.customer("one more thing")
		s.result(s.head("desk"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
		s.wantOwner("faq", 3)
		s.wantLines("to the desk", s.queue("desk"))
		s.wantLines("to the bot", s.drain("faq"), "open", "desk", "one more thing")
		s.wantLines("to the customer", s.drain("web"), "passed desk desk", "passed faq left", "Back to the assistant.")
	})
	t.Run("a failed open buries what waits for it", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.customer("two")
		s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultDead, Error: "unauthorized"})
		s.want("fate", s.fate("one")+" "+s.fate("two"), "dead dead")
		s.customer("three")
		s.wantLines("to the bot", s.queue("faq"), "open", "three [one, two]")
	})
	t.Run("an unknown conversation", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.turn(func(tx *Transaction) {
			tx.ApplyOutcome(&delivery.Outcome{Conversation: "nobody", Delivery: "d", Channel: "faq"})
		})
	})
	t.Run("state is kept with its thread", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.result(s.head("faq"), delivery.Outcome{Thread: "faq-1", State: []byte("token")})
		if th := s.conv().Threads["faq"]; string(th.State) != "token" || !th.Live || th.Epoch != 1 {
			t.Fatalf("thread %+v", th)
		}
		s.result(s.head("faq"), delivery.Outcome{State: []byte("newer")})
		if th := s.conv().Threads["faq"]; string(th.State) != "newer" {
			t.Fatalf("thread %+v", th)
		}
	})
}
