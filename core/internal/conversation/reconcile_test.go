package conversation

import (
	"testing"

	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestReconcile(t *testing.T) {
	without := func(h *harness, names ...string) {
		p := *h.policy
		p.Channels = map[string]*Channel{}
		for n, ch := range h.policy.Channels {
			p.Channels[n] = ch
		}
		for _, n := range names {
			delete(p.Channels, n)
		}
		h.policy = &p
		h.transact(func(tx *Transaction) {
			for _, id := range Inconsistent(h.state, h.policy, h.now) {
				tx.Reconcile(id)
			}
		})
	}
	t.Run("the owner was removed", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		h.customer("old")
		h.customer("two")
		without(h, "old")
		h.wantOwner("faq", 3)
		h.wantLines("to home", h.queue("faq"), "open", "old", "two")
	})
	t.Run("the target of the offer was removed", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("night")})))
		h.customer("ask")
		without(h, "night")
		h.want("status", h.status("ask"), state.StatusQueued)
		if len(h.state.DeadLetters()) > 0 {
			t.Fatalf("dead letters: %v", h.state.DeadLetters())
		}
	})
	t.Run("home was removed", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("home", route.Rule{Home: "old"})))
		h.customer("home")
		without(h, "old")
		h.wantOwner("faq", 3)
		h.want("home", h.conv().Home, "faq")
	})
	t.Run("an observer was removed", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
		h.customer("hello")
		without(h, "audit")
		if l := h.state.DeadLetters(); len(l) != 1 || l[0].Error != "unconfigured" || l[0].Delivery.Item.Pos.Seq == 0 {
			t.Fatalf("dead letters: %+v", l)
		}
		h.want("the original", h.status("hello"), state.StatusQueued)
	})
	t.Run("message before reconciling", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("hello")
		h.drain("faq")
		p := *h.policy
		p.Channels = map[string]*Channel{"web": h.policy.Channels["web"]}
		h.policy, h.unreconciled = &p, true
		h.transact(func(tx *Transaction) { tx.Receive(h.inbound(incoming{channel: "web", thread: "w1", text: "lost?"})) })
		l := h.state.DeadLetters()
		if len(l) != 1 || l[0].Delivery.Item.Pos.Seq == 0 || !l[0].Delivery.Follows || l[0].Delivery.Channel != "faq" {
			t.Fatalf("dead letters: %+v", l)
		}
	})
}
