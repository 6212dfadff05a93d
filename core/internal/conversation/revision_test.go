package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// without removes channels from the configuration.
func (h *harness) without(names ...string) {
	h.Helper()
	h.revise(func(channels map[string]*Channel) {
		for _, name := range names {
			delete(channels, name)
		}
	})
}

func (h *harness) with(t *testing.T, name string) {
	h.Helper()
	h.revise(func(channels map[string]*Channel) { channels[name] = testPolicy(t).Channels[name] })
}

func TestDeliveriesToAVanishedCustomerChannelWait(t *testing.T) {
	answered := func(t *testing.T) *harness {
		h := newHarness(t, testPolicy(t))
		h.customer("hello")
		h.drain("faq")
		h.without("web")
		h.receive(incoming{channel: "faq", thread: h.conv().Threads["faq"].ID, text: "answer"})
		h.adaptAll()
		h.wantLines("to the customer", h.queue("web"), "answer")
		if at := NextDeadline(h.conv(), h.policy); !at.Equal(h.now.Add(state.VanishedWait)) {
			t.Errorf("next deadline %v, want a day later", at)
		}
		return h
	}
	t.Run("the channel returns", func(t *testing.T) {
		h := answered(t)
		h.advance(state.VanishedWait - time.Second)
		h.with(t, "web")
		h.advance(time.Hour)
		h.wantLines("to the customer", h.drain("web"), "answer")
	})
	t.Run("the channel does not return", func(t *testing.T) {
		h := answered(t)
		h.advance(time.Hour)
		h.without("old") // another revision does not extend the wait
		h.advance(state.VanishedWait - time.Hour)
		h.want("the answer", h.status("answer"), state.StatusDead)
		if l := h.state.DeadLetters(); len(l) != 1 || l[0].Error != "unconfigured" || l[0].Delivery.Channel != "web" {
			t.Errorf("dead letters: %+v", l)
		}
	})
}

func TestCopiesForAVanishedObserverWait(t *testing.T) {
	h := newHarness(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
	h.customer("hello")
	h.revise(func(channels map[string]*Channel) { delete(channels, "audit") })
	h.adaptAll()
	h.wantLines("to the observer", h.queue("audit"), "hello")
	h.advance(state.VanishedWait)
	if l := h.state.DeadLetters(); len(l) != 1 || l[0].Delivery.Channel != "audit" {
		t.Errorf("dead letters: %+v", l)
	}
	h.want("the original", h.status("hello"), state.StatusQueued)
}

func TestConversationIsAdaptedBeforeItsNextInput(t *testing.T) {
	toOld := func(t *testing.T) *harness {
		h := newHarness(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		h.customer("old")
		h.customer("two")
		return h
	}
	t.Run("message", func(t *testing.T) {
		h := toOld(t)
		h.without("old")
		h.wantOwner("old", 2)
		h.customer("three")
		h.wantOwner("faq", 3)
		h.wantLines("to home", h.queue("faq"), "open", "old", "two", "three")
	})
	t.Run("outcome with an answer", func(t *testing.T) {
		h := toOld(t)
		head := h.head("old")
		h.without("old")
		answer := h.inbound(incoming{channel: "old", thread: "t", text: "too late"})
		h.outcome(head, attempt.Outcome{Thread: "t", Replies: []*inbound.Envelope{answer}})
		h.wantOwner("faq", 3)
		h.wantLines("to home", h.queue("faq"), "open", "old", "two")
		changes := h.lastRecord.GetChanges()
		if d := changes[len(changes)-1].GetDisposed(); d.GetStatus() != state.StatusFenced {
			t.Errorf("the answer of the removed bot ended as %v, want fenced", d)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		h := toOld(t)
		h.without("old")
		h.advance(time.Second)
		h.wantOwner("faq", 3)
	})
}

func TestReloadKeepsAPendingOffer(t *testing.T) {
	h := newHarness(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("desk")})))
	h.customer("ask")
	before := *h.conv().Offer
	h.without("old", "night")
	h.adaptAll()
	h.customer("more")
	if after := h.conv().Offer; after == nil || after.Target != "desk" || !after.Deadline.Equal(before.Deadline) {
		t.Errorf("offer %+v, want %+v", after, before)
	}
	h.want("held", h.status("more"), state.StatusHeld)
}

func TestReloadWithoutTheOwnerKeepsAPendingOffer(t *testing.T) {
	begin := func(t *testing.T) *harness {
		h := newHarness(t, testPolicy(t,
			onWord("old", route.Rule{Pass: "old"}), onWord("ask", route.Rule{Offer: route.NewOffer("desk")}),
		))
		for _, text := range []string{"old", "ask"} {
			h.customer(text)
			h.drain("old")
		}
		h.without("old")
		h.adaptAll()
		h.wantOwner("faq", 3)
		h.openThread("desk", "desk-1")
		return h
	}
	t.Run("its target accepts", func(t *testing.T) {
		h := begin(t)
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		h.wantOwner("desk", 4)
		h.wantLines("to the desk", h.queue("desk"), "old", "ask")
	})
	t.Run("its target does not accept", func(t *testing.T) {
		h := begin(t)
		h.customer("more")
		h.advance(time.Minute)
		h.wantLines("to the home", h.queue("faq"), "open", "old", "ask", "more")
	})
}
