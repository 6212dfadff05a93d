package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// noticeHarness returns a harness with rules that send notices. Calls to the channels in unreachable fail.
func noticeHarness(t *testing.T, bounces int, rules ...route.Rule) (h *harness, unreachable map[string]bool) {
	t.Helper()
	both := route.NewOffer("desk", "night")
	p := testPolicy(t, append(rules,
		onWord("human", route.Rule{Offer: route.NewOffer("desk"), Say: route.Say{Default: "One moment."}, Set: map[string]string{"asked": "yes"}}),
		onWord("both", route.Rule{Offer: both, Say: route.Say{Default: "One moment."}}),
		onWord("old", route.Rule{Pass: "old", Say: route.Say{Default: "Here is old."}}),
		onWord("faq", route.Rule{Pass: "faq", Say: route.Say{Default: "Here is faq."}}),
		onWord("home", route.Rule{Home: "old", Say: route.Say{Default: "Old is home."}}),
		route.Rule{
			Name: "bounced", Events: []route.Event{route.EventOfferFailed}, From: []string{"desk"}, When: `reason == "bounces"`,
			Say: route.Say{Default: "Too often."},
		},
		route.Rule{
			Name: "late", Events: []route.Event{route.EventOfferFailed}, From: []string{"desk"}, When: `reason == "expired"`,
			Say: route.Say{Default: "Nobody came."},
		},
		route.Rule{
			Name: "desk-closed", Events: []route.Event{route.EventOfferFailed}, From: []string{"desk"}, When: `reason == "unreachable"`,
			Say: route.Say{Default: "The desk is closed."},
		},
		route.Rule{Name: "moved", Events: []route.Event{route.EventPassed}, From: []string{"old"}, Say: route.Say{Default: "Moved."}},
	)...)
	p.Bounces = bounces
	unreachable = map[string]bool{}
	p.Reachable = func(ch string, _ time.Duration) bool { return !unreachable[ch] }
	return newHarness(t, p), unreachable
}

func TestNoticesComeInOrder(t *testing.T) {
	t.Run("an event runs after all effects of the rule that caused it", func(t *testing.T) {
		h, _ := noticeHarness(t, 0)
		h.customer("old")
		h.wantLines("to the customer", h.drain("web"), "passed bot rule", "Here is old.", "Moved.")
	})
	t.Run("an acceptance is announced before the agent's first message", func(t *testing.T) {
		h, _ := noticeHarness(t, 0, route.Rule{
			Name: "welcome", Events: []route.Event{route.EventPassed}, From: []string{"desk"}, Say: route.Say{Default: "Connected."},
		})
		h.customer("human")
		h.openThread("desk", "d1")
		h.receive(incoming{channel: "desk", thread: "d1", text: "Ann here"})
		h.wantLines("to the customer", h.drain("web"), "One moment.", "passed agent offer", "Connected.", "Ann here")
	})
	t.Run("a chain of events runs in the order in which they happened", func(t *testing.T) {
		h, unreachable := noticeHarness(t, 0, route.Rule{
			Name: "ask", Events: []route.Event{route.EventPassed}, From: []string{"old"}, Offer: route.NewOffer("desk", "night"),
			Say: route.Say{Default: "Asking."},
		})
		unreachable["desk"] = true
		h.customer("old")
		h.advance(time.Minute)
		h.wantLines("to the customer", h.drain("web"), "passed bot rule", "Here is old.", "Asking.")
	})
}

func TestNoNoticeWithoutTheMove(t *testing.T) {
	t.Run("no target could be asked", func(t *testing.T) {
		h, unreachable := noticeHarness(t, 0)
		unreachable["desk"] = true
		h.customer("human")
		h.wantLines("to the customer", h.drain("web"), "The desk is closed.")
		h.want("the other effects remain", h.conv().Attributes["asked"]+" "+h.status("human"), "yes queued")
	})
	t.Run("the same offer", func(t *testing.T) {
		h, _ := noticeHarness(t, 0)
		h.customer("human")
		h.customer("human")
		h.customer("both")
		h.wantLines("to the customer", h.drain("web"), "One moment.")
		h.want("status", h.status("human")+" "+h.status("both"), "held held held")
	})
	t.Run("another offer that cannot be asked", func(t *testing.T) {
		h, unreachable := noticeHarness(t, 0, onWord("night", route.Rule{Offer: route.NewOffer("night"), Say: route.Say{Default: "Night."}}))
		unreachable["night"] = true
		h.customer("human")
		h.customer("night")
		h.wantLines("to the customer", h.drain("web"), "One moment.")
		h.want("target of the pending offer", h.conv().Offer.Target, "desk")
	})
	t.Run("already the owner", func(t *testing.T) {
		h, _ := noticeHarness(t, 0)
		h.customer("faq")
		h.wantLines("to the customer", h.drain("web"))
	})
	t.Run("the bounce limit", func(t *testing.T) {
		h, _ := noticeHarness(t, 1)
		h.customer("old")
		h.customer("faq")
		h.customer("human")
		h.customer("home")
		h.wantOwner("old", 2)
		h.wantLines("to the customer", h.drain("web"), "passed bot rule", "Here is old.", "Moved.", "Too often.", "Old is home.")
		h.want("home", h.conv().Home, "old")
	})
	t.Run("a move home that the bounce limit refuses", func(t *testing.T) {
		h, _ := noticeHarness(t, 1, onWord("back", route.Rule{Home: "faq", Pass: "faq", Say: route.Say{Default: "Back."}}))
		h.customer("home")
		h.customer("back")
		h.wantOwner("old", 2)
		h.wantLines("to the customer", h.drain("web"), "passed bot rule", "Old is home.", "Moved.")
	})
}

func TestBounceLimitCountsMovesByRules(t *testing.T) {
	t.Run("no acceptances, departures and what rules decide on them", func(t *testing.T) {
		h, _ := noticeHarness(t, 1, route.Rule{
			Name: "agent-left", Events: []route.Event{route.EventDisconnected}, Pass: "old", Say: route.Say{Default: "Back."},
		})
		for i := range 4 {
			h.customer("human")
			h.drain("desk")
			thread := h.conv().Threads["desk"].ID
			h.receive(incoming{channel: "desk", thread: thread, kind: envelope.KindConnected})
			h.wantOwner("desk", uint64(2+2*i))
			h.receive(incoming{channel: "desk", thread: thread, kind: envelope.KindDisconnected})
			h.wantOwner("old", uint64(3+2*i))
		}
	})
	t.Run("offers that cannot be asked", func(t *testing.T) {
		h, unreachable := noticeHarness(t, 2)
		unreachable["desk"], unreachable["night"] = true, true
		h.customer("human")
		h.customer("both")
		unreachable["desk"] = false
		h.customer("human")
		h.wantLines("to the customer", h.drain("web"), "The desk is closed.", "The desk is closed.", "Too often.")
	})
	t.Run("no offers that fail later", func(t *testing.T) {
		h, _ := noticeHarness(t, 1)
		for range 3 {
			h.customer("human")
			h.advance(time.Minute)
		}
		h.wantLines("to the customer", h.drain("web"), "One moment.", "Nobody came.", "One moment.", "Nobody came.",
			"One moment.", "Nobody came.")
	})
}

func TestOfferFailedNamesTheLastChannelThatWasAsked(t *testing.T) {
	t.Run("the others could not be asked", func(t *testing.T) {
		h, unreachable := noticeHarness(t, 0)
		h.customer("both")
		unreachable["night"] = true
		h.advance(time.Minute)
		h.wantLines("to the customer", h.drain("web"), "One moment.", "Nobody came.")
	})
	t.Run("only a later one could be asked", func(t *testing.T) {
		h, unreachable := noticeHarness(t, 0, route.Rule{
			Name: "night", Events: []route.Event{route.EventOfferFailed}, From: []string{"night"}, Say: route.Say{Default: "Night has failed."},
		})
		unreachable["desk"] = true
		h.customer("both")
		h.want("target", h.conv().Offer.Target, "night")
		h.advance(time.Minute)
		h.wantLines("to the customer", h.drain("web"), "One moment.", "Night has failed.")
	})
}

// If a rule for a failed offer makes another offer, and this offer fails immediately, the rule does not run again.
func TestFailingOffersEnd(t *testing.T) {
	h, unreachable := noticeHarness(t, 0, route.Rule{
		Name: "again", Events: []route.Event{route.EventOfferFailed}, Offer: route.NewOffer("night"), Say: route.Say{Default: "Trying the night desk."},
	})
	unreachable["desk"], unreachable["night"] = true, true
	h.customer("human")
	if n := len(lastChanges[*journal.Change_OfferEnded](h)); n != 2 {
		t.Errorf("%d offers", n)
	}
	h.want("status", h.status("human"), state.StatusQueued)
	h.wantLines("to the customer", h.drain("web"))
}
