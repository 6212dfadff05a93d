package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// secondSession returns a harness in the second session of a desk that uses one thread for all sessions. first is the
// time at which the agent wrote in the first session. The event `disconnected` of the first session was lost.
func secondSession(t *testing.T) (h *harness, first time.Time) {
	t.Helper()
	h = newHarness(t, testPolicy(t, onWord("human", route.Rule{Offer: route.NewOffer("night")}), route.Rule{
		Name: "agent-left", Events: []route.Event{route.EventDisconnected}, Say: route.Say{Default: "Back."}, Pass: route.Home,
	}, route.Rule{Name: "moved", Events: []route.Event{route.EventHandoverRequested}, From: []string{"night"}, Pass: "old"}))
	step := func() { h.now = h.now.Add(10 * time.Second) }
	h.customer("human")
	h.openThread("night", "n1")
	first = h.now
	h.receive(incoming{channel: "night", thread: "n1", text: "first", sent: first})
	h.wantOwner("night", 2)
	h.drain("night")
	step()
	h.customer("still there?")
	h.outcome(h.head("night"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
	h.wantOwner("faq", 3)
	step()
	h.customer("human")
	step()
	h.openThread("night", "n1")
	return h, first
}

func TestEventsOfEarlierSessionChangeNothing(t *testing.T) {
	for _, kind := range []envelope.Kind{
		envelope.KindDisconnected, envelope.KindConnected, envelope.KindHandoverRequested, envelope.KindMessage,
	} {
		late := incoming{channel: "night", thread: "n1", kind: kind, text: "late"}
		t.Run("during the offer/"+string(kind), func(t *testing.T) {
			h, first := secondSession(t)
			late.sent = first.Add(time.Second)
			h.receive(late)
			h.wantOwner("faq", 3)
			if h.conv().Offer == nil {
				t.Error("the offer has ended")
			}
		})
		t.Run("during the epoch/"+string(kind), func(t *testing.T) {
			h, first := secondSession(t)
			h.receive(incoming{channel: "night", thread: "n1", text: "second", sent: h.now})
			h.wantOwner("night", 4)
			late.sent = first.Add(time.Second)
			h.receive(late)
			h.advance(departureGrace)
			h.wantOwner("night", 4)
			h.receive(incoming{channel: "night", thread: "n1", text: "third", sent: h.now})
			h.want("status of a message after it", h.status("third"), state.StatusQueued)
			if d := h.status("late"); d != state.StatusFenced && d != "" {
				t.Errorf("status of a message of the first session: %s", d)
			}
		})
	}
	t.Run("while the thread is being opened", func(t *testing.T) {
		h, first := secondSession(t)
		h.advance(61 * time.Second) // the offer expires
		h.customer("human")
		h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindDisconnected, sent: first.Add(time.Second)})
		h.outcome(h.head("night"), attempt.Outcome{})
		h.openThread("night", "n1")
		h.wantOwner("faq", 3)
		if h.conv().Offer == nil {
			t.Error("the offer has ended")
		}
	})
	t.Run("the session itself ends", func(t *testing.T) {
		h, _ := secondSession(t)
		h.receive(incoming{channel: "night", thread: "n1", text: "second", sent: h.now})
		h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindDisconnected, sent: h.now})
		h.advance(departureGrace)
		h.wantOwner("faq", 5)
	})
}

func TestSessionStartsByTheClockOfTheVendor(t *testing.T) {
	const behind = time.Hour
	h := newHarness(t, testPolicy(t, onWord("human", route.Rule{Offer: route.NewOffer("night")})))
	for i, owner := range []string{"first", "second"} {
		h.customer("human")
		h.openThread("night", "n1")
		h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindConnected, sent: h.now.Add(-behind)})
		if i == 0 {
			h.wantOwner("night", 2)
		} else {
			h.wantOwner("night", 4)
		}
		h.receive(incoming{channel: "night", thread: "n1", text: owner, sent: h.now.Add(-behind)})
		h.want("status", h.status(owner), state.StatusQueued)
		h.drain("night")
		h.now = h.now.Add(10 * time.Second)
		h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindDisconnected, sent: h.now.Add(-behind)})
		h.advance(departureGrace)
		h.wantOwner("faq", uint64(3+2*i))
		h.now = h.now.Add(10 * time.Second)
	}
}

// The desk uses one thread for all conversations of a customer.
func TestEventsOfEarlierConversationChangeNothing(t *testing.T) {
	h := closeHarness(t, onWord("night", route.Rule{Offer: route.NewOffer("night")}))
	h.customer("night")
	h.openThread("night", "n1")
	first := h.now
	h.receive(incoming{channel: "night", thread: "n1", text: "hello", sent: first})
	h.customer("bye")
	h.now = h.now.Add(10 * time.Second)
	h.customer("night")
	h.openThread("night", "n1")
	h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindConnected, sent: first})
	h.receive(incoming{channel: "night", thread: "n1", text: "late", sent: first.Add(time.Second)})
	h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindDisconnected, sent: first.Add(time.Second)})
	h.want("status", h.status("late"), state.StatusFenced)
	h.wantOwner("faq", 1)
	if h.conv().Offer == nil {
		t.Error("the offer has ended")
	}
}

func TestCustomersEventOfEarlierConversation(t *testing.T) {
	h := closeHarness(t, route.Rule{
		Name: "visitor-gone", Events: []route.Event{route.EventDisconnected}, From: []string{"web"}, Close: true,
	})
	at := h.now
	web := func(text string, kind envelope.Kind, sent time.Time) {
		h.receive(incoming{channel: "web", thread: "w1", text: text, kind: kind, sent: sent})
	}
	web("hi", "", at)
	web("bye", "", at.Add(2*time.Second))
	web("hello again", "", at.Add(4*time.Second))
	web("", envelope.KindDisconnected, at.Add(time.Second))
	web("", envelope.KindDisconnected, at.Add(3*time.Second))
	if c := h.conv(); c.Closing != "" {
		t.Fatal("an event of the first conversation closed the second one")
	}
	web("", envelope.KindDisconnected, at.Add(5*time.Second))
	if c := h.conv(); c.Closing == "" {
		t.Fatal("the conversation is not closed")
	}
}
