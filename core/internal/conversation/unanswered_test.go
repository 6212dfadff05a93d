package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

func silentBot(r route.Rule) route.Rule {
	r.Name, r.Events, r.From, r.After = "silent", []route.Event{route.EventUnanswered}, []string{"bot"}, 5*time.Second
	return r
}

// deliver sends messages of the customer and makes their deliveries to the first bot succeed.
func (h *harness) deliver(texts ...string) {
	h.Helper()
	for _, text := range texts {
		h.customer(text)
	}
	h.drain(h.conv().Owner)
}

func TestUnansweredMessagesAreSentAgainToABot(t *testing.T) {
	t.Run("after unanswered", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, silentBot(route.Rule{Pass: "old"})))
		h.deliver("answered")
		h.receive(incoming{channel: "faq", thread: h.conv().Threads["faq"].ID, text: "answer"})
		h.deliver("one", "two")
		h.advance(5 * time.Second)
		h.wantOwner("old", 2)
		h.wantLines("to the next bot", h.queue("old"), "transcript [answered, answer]", "one", "two")
	})
	t.Run("after an offer of a rule for unanswered", func(t *testing.T) {
		offer := route.NewOffer("desk")
		offer.Else = "old"
		h := newHarness(t, testPolicy(t, silentBot(route.Rule{Offer: offer})))
		h.deliver("one")
		h.advance(5 * time.Second)
		h.customer("two")
		h.advance(2 * time.Minute)
		h.wantLines("to the next bot", h.queue("old"), "one", "two")
	})
	t.Run("after an operator's command", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.deliver("one")
		h.customer("two")
		h.transact(func(tx *Transaction) {
			if err := tx.Command(h.conv().ID, &Command{Name: "pass", Channel: "old"}); err != nil {
				t.Errorf("pass: %v", err)
			}
		})
		h.wantLines("to the next bot", h.queue("old"), "one", "two")
	})
	t.Run("after the removal of the owner's channel", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		h.deliver("old", "one")
		h.drain("old")
		h.revise(func(channels map[string]*Channel) { delete(channels, "old") })
		h.adaptAll()
		h.wantLines("to the home", h.queue("faq"), "open", "old", "one")
	})
	t.Run("after the departure of an agent without a word", func(t *testing.T) {
		h := agentHarness(t)
		h.customer("one")
		h.drain("desk")
		h.receive(incoming{channel: "desk", thread: h.conv().Threads["desk"].ID, kind: envelope.KindDisconnected})
		h.wantLines("to the home", h.queue("faq"), "open", "desk", "one")
	})
	t.Run("after the departure of an agent who was announced by the bot", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, route.Rule{Name: "goodbye", From: []string{"faq"}, Pass: "desk"}))
		h.deliver("one")
		h.bot(incoming{text: "goodbye"})
		h.customer("two")
		h.drain("desk")
		h.receive(incoming{channel: "desk", thread: h.conv().Threads["desk"].ID, kind: envelope.KindDisconnected})
		h.wantLines("to the home", h.queue("faq"), "open", "two [one, goodbye]")
	})
}

func agentHarness(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("old", route.Rule{Pass: "old"})))
	h.customer("desk")
	h.drain("desk")
	return h
}

func TestUnansweredMessagesAreHistoryOtherwise(t *testing.T) {
	t.Run("after the departure of an agent who wrote", func(t *testing.T) {
		h := agentHarness(t)
		thread := h.conv().Threads["desk"].ID
		h.receive(incoming{channel: "desk", thread: thread, text: "hello"})
		h.customer("one")
		h.drain("desk")
		h.receive(incoming{channel: "desk", thread: thread, kind: envelope.KindDisconnected})
		h.wantLines("to the home", h.queue("faq"))
		h.customer("two")
		h.wantLines("to the home", h.queue("faq"), "open", "two [desk, hello, one]")
	})
	t.Run("after a rule for a message", func(t *testing.T) {
		h := agentHarness(t)
		h.customer("old")
		h.wantLines("to the next bot", h.queue("old"), "transcript [desk]", "old")
	})
	t.Run("agents get them in the transcript", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, silentBot(route.Rule{Pass: "desk"})))
		h.deliver("one")
		h.advance(5 * time.Second)
		h.wantLines("to the desk", h.queue("desk"), "open", "transcript [one]")
	})
	t.Run("agents who accept an offer get them in the transcript", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, silentBot(route.Rule{Offer: route.NewOffer("desk")})))
		h.deliver("one")
		h.advance(5 * time.Second)
		h.openThread("desk", "desk-1")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		h.wantLines("to the desk", h.queue("desk"), "transcript [one]")
	})
	t.Run("agents whose adapter takes history get them with the next message", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, silentBot(route.Rule{Offer: route.NewOffer("desk")})))
		h.policy.Channels["desk"].History = true
		h.deliver("one")
		h.advance(5 * time.Second)
		h.openThread("desk", "desk-1")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		h.wantLines("to the desk", h.queue("desk"))
		h.customer("two")
		h.wantLines("to the desk", h.queue("desk"), "two [one]")
	})
}

// A message that became a dead letter was not received: a replay sends it.
func TestDeadLettersAreNotSentAgain(t *testing.T) {
	h := newHarness(t, testPolicy(t, silentBot(route.Rule{Pass: "old"})))
	h.deliver("one")
	h.customer("two")
	h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
	h.advance(5 * time.Second)
	h.wantLines("to the next bot", h.queue("old"), "transcript [two]", "one")
}
