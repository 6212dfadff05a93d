package conversation

import (
	"testing"

	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

// giveUpLost repairs the conversation after the log has lost the messages with these texts.
func (h *harness) giveUpLost(texts ...string) {
	h.Helper()
	lost := map[state.Position]bool{}
	for p, e := range h.model.envelopes {
		for _, text := range texts {
			lost[p] = lost[p] || e.Text() == text
		}
	}
	id := h.conv().ID
	for done := false; !done; {
		h.transact(func(tx *Transaction) { done = tx.GiveUpLost(id, func(p state.Position) bool { return lost[p] }) })
	}
}

func TestLostMessagesAreGivenUp(t *testing.T) {
	t.Run("queued", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("one")
		h.customer("two")
		h.giveUpLost("one")
		h.wantLines("to the owner", h.queue("faq"), "open", "two")
		if l := h.state.DeadLetters(); len(l) != 1 || l[0].Error != "unreadable" {
			t.Errorf("dead letters: %+v", l)
		}
	})
	t.Run("held", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("desk")})))
		h.customer("ask")
		h.customer("two")
		h.giveUpLost("two")
		h.want("the lost message", h.status("two"), state.StatusDropped)
		h.want("the other one", h.status("ask"), state.StatusHeld)
	})
	t.Run("more than one record takes", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("desk")})))
		texts := []string{"ask"}
		h.customer("ask")
		for range maxRepairChanges + 1 {
			texts = append(texts, "more")
			h.customer("more")
		}
		before := h.seq
		h.giveUpLost(texts...)
		if n := h.seq - before; n != 2 || len(h.conv().Held) != 0 {
			t.Errorf("the repair needed %d records and left %d held messages, want 2 and none", n, len(h.conv().Held))
		}
	})
}

func TestLostOpenIsRepeated(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("one")
	open := h.head("faq")
	h.transact(func(tx *Transaction) { // as if the log had lost the record that queued it
		tx.endDelivery(tx.layer.Mutable(h.conv().ID), &open, state.StatusDropped, "lost")
	})
	h.wantLines("without an open", h.queue("faq"), "one")
	h.giveUpLost()
	h.wantLines("to the owner", h.queue("faq"), "open", "one")
	h.giveUpLost()
	h.wantLines("after a second repair", h.queue("faq"), "open", "one")
}

func TestClosingEventNeedsNoNewThread(t *testing.T) {
	h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("faq", route.Rule{Pass: "faq"})))
	h.customer("desk")
	h.openThread("desk", "desk-1")
	h.drain("desk")
	h.customer("faq")
	h.giveUpLost()
	h.wantLines("to the desk", h.queue("desk"), "disconnected control_moved")
}
