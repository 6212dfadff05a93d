package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestOutcomes(t *testing.T) {
	t.Run("retry keeps the head, a dead letter ends it", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("one")
		h.customer("two")
		h.openThread("faq", "faq-1")
		next := h.now.Add(3 * time.Second)
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Text: "503", Next: next})
		if d := h.head("faq"); d.Attempts != 1 || !d.NextAt.Equal(next) || h.line(&d) != "one" || d.Error != "transient" {
			t.Fatalf("after an attempt: %+v", d)
		}
		if at := NextDeadline(h.conv(), h.policy); !at.Equal(next) {
			t.Fatalf("next at %v, want %v", at, next)
		}
		h.now = h.now.Add(time.Hour)
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "transient"})
		h.want("status", h.status("one")+" "+h.status("two"), "dead queued")
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "throttled", NotCalled: true})
		l := h.state.DeadLetters()
		if len(l) != 2 {
			t.Fatalf("dead letters: %+v", l)
		}
		if l[0].Attempts != 2 || l[0].Error != "transient" || !l[0].Delivery.Follows || l[1].Attempts != 0 {
			t.Fatalf("dead letters: %+v and %+v, want two attempts and none", l[0], l[1])
		}
	})
	t.Run("a failure before the call is not an attempt", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("one")
		h.openThread("faq", "faq-1")
		attempt := func(notCalled bool, attempts uint32) {
			t.Helper()
			next := h.now.Add(3 * time.Second)
			h.outcome(
				h.head("faq"),
				attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Text: "why", Next: next, NotCalled: notCalled},
			)
			if d := h.head("faq"); d.Attempts != attempts || d.NotCalled != notCalled || !d.NextAt.Equal(next) ||
				d.Text != "why" {
				t.Fatalf("after an attempt: %+v, want %d attempts", d, attempts)
			}
		}
		attempt(true, 0)
		attempt(true, 0)
		attempt(false, 1)
		attempt(true, 1)
		attempt(false, 2)
	})
	t.Run("gone reopens the thread with history, in order", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("zero")
		h.drain("faq")
		h.customer("one")
		h.customer("two")
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		h.wantLines("to the bot", h.queue("faq"), "open", "one [zero]", "two")
		h.openThread("faq", "faq-again")
		h.receive(incoming{channel: "faq", thread: "faq-again", text: "welcome back"})
		h.want("answer on the new thread", h.status("welcome back"), state.StatusQueued)
		for range maxReopened - 1 {
			h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
			h.openThread("faq", "faq-"+h.newID())
		}
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		h.want("status", h.status("one")+" "+h.status("two"), "dead queued")
	})
	t.Run("reopened transcripts are bounded", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Home: "desk", Pass: "desk"})))
		h.customer("zero")
		h.drain("faq")
		h.customer("desk")
		for range maxReopened {
			h.openThread("desk", "desk-"+h.newID())
			h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
			h.wantLines("to the desk", h.queue("desk"), "open", "transcript [zero]", "desk")
		}
		h.openThread("desk", "desk-last")
		h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		h.wantLines("to the desk", h.queue("desk"), "desk")
	})
	t.Run("gone from an agent desk counts as departure", func(t *testing.T) {
		h := newHarness(t, testPolicy(
			t,
			onWord("desk", route.Rule{Pass: "desk"}),
			route.Rule{
				Name:   "agent-left",
				Events: []route.Event{route.EventDisconnected},
				Say:    route.Say{Default: "Back to the assistant."},
				Pass:   route.Home,
			},
		))
		h.customer("desk")
		h.openThread("desk", "desk-1")
		h.customer("one more thing")
		h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		h.wantOwner("faq", 3)
		h.wantLines("to the desk", h.queue("desk"))
		h.wantLines("to the bot", h.drain("faq"), "open", "desk", "one more thing")
		h.wantLines("to the customer", h.drain("web"), "passed agent rule", "passed bot rule", "Back to the assistant.")
	})
	t.Run("a failed open gives up the deliveries behind it", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("one")
		h.customer("two")
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "unauthorized"})
		h.want("status", h.status("one")+" "+h.status("two"), "dead dead")
		h.customer("three")
		h.wantLines("to the bot", h.queue("faq"), "open", "three [one, two]")
	})
	t.Run("an unknown conversation", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.transact(func(tx *Transaction) {
			tx.ApplyOutcome(&attempt.Outcome{Conversation: "nobody", Delivery: "d", Channel: "faq"})
		})
	})
	t.Run("state is kept with its thread", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("one")
		h.outcome(h.head("faq"), attempt.Outcome{Thread: "faq-1", State: []byte("token")})
		if th := h.conv().Threads["faq"]; string(th.State) != "token" || !th.Live || th.Epoch != 1 {
			t.Fatalf("thread %+v", th)
		}
		h.outcome(h.head("faq"), attempt.Outcome{State: []byte("newer")})
		if th := h.conv().Threads["faq"]; string(th.State) != "newer" {
			t.Fatalf("thread %+v", th)
		}
	})
}
