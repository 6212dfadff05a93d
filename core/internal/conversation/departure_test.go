package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// departureHarness returns a harness in which a desk owns the conversation and all lanes are empty.
func departureHarness(t *testing.T, rules ...route.Rule) *harness {
	t.Helper()
	h := newHarness(t, testPolicy(t, append([]route.Rule{
		{
			Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Say: route.Say{Default: "Back."},
			Pass: route.Home,
		},
		onWord("desk", route.Rule{Pass: "desk"}),
		{
			Name: "human", From: []string{"customer"}, When: `owner_role == "bot" && text == "human"`, Pass: "night",
			Say: route.Say{Default: "Wait."},
		},
	}, rules...)...))
	h.customer("desk")
	h.openThread("desk", "d1")
	h.drain("desk")
	h.drain("web")
	return h
}

func (h *harness) agent(text string, sent time.Time) {
	h.Helper()
	h.receive(incoming{channel: "desk", thread: "d1", text: text, sent: sent})
}

func (h *harness) agentLeaves(sent time.Time) {
	h.Helper()
	h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected, sent: sent, reason: "agent_closed"})
}

func TestOwnersLastMessagesAreDelivered(t *testing.T) {
	t.Run("processed after the departure", func(t *testing.T) {
		h := departureHarness(t)
		left := h.now
		h.inOneRecord(func() {
			h.agentLeaves(left)
			h.agent("good bye", left.Add(-time.Second))
			h.agent("the end", left)
		})
		h.advance(departureGrace - 1)
		h.agent("one more thing", left.Add(-time.Millisecond)) // repeated after a refusal
		h.agent("too late", left.Add(time.Millisecond))
		h.receive(incoming{channel: "desk", thread: "d1", text: "without a time"})
		h.wantOwner("desk", 2)
		h.advance(1)
		h.wantOwner("faq", 3)
		h.agent("after the grace", left.Add(-time.Millisecond))
		h.wantLines("to the customer", h.drain("web"), "good bye", "the end", "one more thing", "passed bot rule", "Back.")
		for _, text := range []string{"too late", "without a time", "after the grace"} {
			h.want("status of "+text, h.status(text), state.StatusFenced)
		}
	})
	t.Run("the departure has no time", func(t *testing.T) {
		h := departureHarness(t)
		h.agentLeaves(time.Time{})
		h.wantOwner("faq", 3)
	})
	t.Run("the owner is home", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("stay", route.Rule{Home: "desk"})))
		h.customer("stay")
		h.openThread("desk", "d1")
		h.agentLeaves(h.now)
		id := h.lastRecord.GetEnvelopes()[0].GetId()
		h.advance(departureGrace)
		d := lastChanges[*journal.Change_Disposed](h)
		if len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted || id == "" || d[0].Disposed.GetId() != id {
			t.Errorf("disposed: %v, want %s as unrouted", d, id)
		}
	})
	t.Run("the departure is repeated", func(t *testing.T) {
		h := departureHarness(t)
		h.agentLeaves(h.now)
		deadline := h.conv().Departure.Deadline
		h.now = h.now.Add(time.Second)
		h.agentLeaves(h.now)
		if at := NextDeadline(h.conv(), h.policy); !at.Equal(deadline) {
			t.Errorf("deadline %v, want %v", at, deadline)
		}
	})
	t.Run("a rule for the last message moves control", func(t *testing.T) {
		h := departureHarness(t, route.Rule{Name: "on", From: []string{"desk"}, When: `text == "over"`, Pass: "night"})
		h.agentLeaves(h.now)
		h.agent("over", h.now)
		h.wantOwner("night", 3)
		h.advance(departureGrace)
		h.wantOwner("night", 3)
		h.wantLines("to the customer", h.drain("web"), "passed agent rule", "over")
	})
}

func TestCustomersMessagesWaitForTheDeparture(t *testing.T) {
	t.Run("queued and later ones go to the next owner, with its rules", func(t *testing.T) {
		h := departureHarness(t)
		h.customer("question")
		inFlight := h.head("desk")
		h.agentLeaves(h.now)
		h.wantLines("to the desk", h.queue("desk"))
		h.want("status", h.status("question"), state.StatusHeld)
		h.outcome(inFlight, attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		h.customer("hello?")
		h.customer("human")
		h.agent("good bye", h.now)
		h.advance(departureGrace)
		h.advance(0)
		h.wantOwner("night", 4)
		h.wantLines("to the new owner", h.queue("night"), "open", "transcript [desk, good bye]", "question", "hello?", "human")
		h.wantLines("to the customer", h.drain("web"), "good bye", "passed bot rule", "Back.", "passed agent rule", "Wait.")
	})
	t.Run("a message that arrives before the waiting ones are admitted", func(t *testing.T) {
		h := departureHarness(t)
		h.agentLeaves(h.now)
		h.customer("one")
		h.now = h.now.Add(departureGrace)
		h.inOneRecord(func() {
			h.transact(func(tx *Transaction) { tx.ApplyDeadlines(h.conv().ID) })
			h.customer("two")
		})
		h.advance(0)
		h.wantLines("to the bot", h.queue("faq"), "open", "desk", "one", "two")
	})
	t.Run("a repeated message", func(t *testing.T) {
		h := departureHarness(t)
		h.agentLeaves(h.now)
		for range 2 {
			h.receive(incoming{channel: "web", thread: "w1", text: "again", id: "m1"})
		}
		h.advance(departureGrace)
		h.advance(0)
		h.wantLines("to the bot", h.queue("faq"), "open", "desk", "again")
	})
	t.Run("the owner is home", func(t *testing.T) {
		p := testPolicy(t)
		p.Owner = "desk"
		h := newHarness(t, p)
		h.customer("hi")
		h.openThread("desk", "d1")
		h.agentLeaves(h.now)
		h.customer("hello?")
		h.advance(departureGrace)
		h.advance(0)
		h.wantLines("to the desk", h.queue("desk"), "open", "hi", "hello?")
	})
	t.Run("overdue after a restart", func(t *testing.T) {
		h := departureHarness(t)
		h.agentLeaves(h.now)
		h.customer("hello?")
		h.now = h.now.Add(time.Hour)
		h.transact(func(tx *Transaction) { tx.ExpirePending() })
		h.transact(func(tx *Transaction) { tx.AdmitPending() })
		h.wantOwner("faq", 3)
		h.wantLines("to the bot", h.queue("faq"), "open", "desk", "hello?")
	})
	t.Run("a replayed dead letter", func(t *testing.T) {
		h := departureHarness(t)
		h.customer("again")
		h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		h.agentLeaves(h.now)
		h.transact(func(tx *Transaction) {
			status, _, err := tx.ReplayDeadLetter(h.state.DeadLetters()[0].Delivery.ID)
			if err != nil || status != state.StatusReplayed {
				t.Errorf("ReplayDeadLetter = %s, %v", status, err)
			}
		})
		h.advance(departureGrace)
		h.wantLines("to the bot", h.queue("faq"), "open", "desk", "again")
	})
	t.Run("too many", func(t *testing.T) {
		h := departureHarness(t)
		h.agentLeaves(h.now)
		var last Verdict
		h.transact(func(tx *Transaction) {
			for range MaxUndelivered {
				last = tx.Receive(h.inbound(incoming{channel: "web", thread: "w1", text: "more"}))
			}
			if last != VerdictAccepted {
				t.Errorf("verdict on message %d: %v", MaxUndelivered, last)
			}
			last = tx.Receive(h.inbound(incoming{channel: "web", thread: "w1", text: "more"}))
		})
		if last != VerdictBusy {
			t.Errorf("verdict on one message more: %v", last)
		}
	})
}

func TestDepartureDelaysNothingElse(t *testing.T) {
	h := departureHarness(t, route.Rule{
		Name: "ask", From: []string{"desk"}, When: `text == "ask"`, Offer: route.NewOffer("night"),
	})
	h.agent("ask", h.now)
	h.openThread("night", "n1")
	h.agentLeaves(h.now)
	h.receive(incoming{channel: "web", thread: "w2", text: "another customer"})
	h.want("another customer", h.status("another customer"), state.StatusQueued)
	h.customer("hello?")
	h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindConnected})
	h.wantOwner("night", 3)
	h.advance(0)
	h.wantLines("to the next owner", h.queue("night"), "transcript [desk, ask]", "hello?")
	h.advance(departureGrace)
	h.wantLines("to the customer", h.drain("web"), "ask", "passed agent offer")
}

// If an offer fails during the grace of a departure, control does not move until the departure takes effect.
func TestOfferFailsDuringDeparture(t *testing.T) {
	o := route.NewOffer("night")
	o.Within = time.Second
	h := departureHarness(t, route.Rule{Name: "ask", From: []string{"desk"}, When: `text == "ask"`, Offer: o})
	h.agent("ask", h.now)
	h.customer("hello?")
	h.agentLeaves(h.now)
	h.advance(time.Second)
	h.wantOwner("desk", 2)
	h.agent("good bye", h.conv().OwnerSince)
	h.advance(departureGrace)
	h.wantOwner("faq", 3)
	h.wantLines("to the bot", h.queue("faq"), "open", "hello? [desk, ask, good bye]")
	h.wantLines("to the customer", h.drain("web"), "ask", "good bye", "passed bot rule", "Back.")
}

func TestCloseDuringDeparture(t *testing.T) {
	h := departureHarness(t, route.Rule{Name: "done", From: []string{"desk"}, When: `text == "done"`, Close: true})
	former := h.conv().ID
	h.customer("question")
	h.agentLeaves(h.now)
	h.customer("hello?")
	h.agent("done", h.now)
	h.advance(0)
	h.wantLines("the bot gets in the next conversation", h.queue("faq"), "open", "question", "hello?")
	if h.conv().ID == former || h.state.Conversation(former).Closing != "done" {
		t.Error("the conversation was not closed")
	}
}

func TestCloseDuringDepartureOfAVendorsSession(t *testing.T) {
	h := departureHarness(t, route.Rule{Name: "done", From: []string{"desk"}, When: `text == "done"`, Close: true})
	h.policy.Channels["web"].Events = events(envelope.KindClosed, envelope.KindDisconnected)
	h.customer("question")
	h.agentLeaves(h.now)
	h.agent("done", h.now)
	h.want("status", h.status("question"), state.StatusDead)
	h.wantLines("the bot gets", h.queue("faq"))
}
