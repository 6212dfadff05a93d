package conversation

import (
	"testing"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestHomeMoves(t *testing.T) {
	rules := []route.Rule{
		onWord(
			"home",
			route.Rule{Home: "old"},
		), onWord("desk", route.Rule{Pass: "desk"}), onWord("back", route.Rule{Pass: route.Home}),
	}
	t.Run("control at the old home moves too", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, rules...))
		h.customer("home")
		h.wantOwner("old", 2)
		h.wantLines("to the new home", h.queue("old"), "home")
	})
	t.Run("control elsewhere stays", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, rules...))
		h.customer("desk")
		h.customer("home")
		h.wantOwner("desk", 2)
		h.customer("back")
		h.wantOwner("old", 3)
	})
}

func TestMessageEffects(t *testing.T) {
	h := newHarness(t, testPolicy(t,
		route.Rule{Name: "watch", Copy: []string{"audit"}, Continue: true},
		route.Rule{Name: "gold", When: `text == "gold"`, Set: map[string]string{"tier": "gold"}, Say: route.Say{Default: "Thank you."}},
		route.Rule{Name: "vip", From: []string{"customer"}, When: `attr("tier") == "gold" && text == "old"`, Pass: "old"},
		onWord("spam", route.Rule{Drop: true, Say: route.Say{Default: "No."}}),
		route.Rule{Name: "aside", From: []string{"bot"}, When: `text == "note"`, To: route.ToOwner},
		route.Rule{Name: "wrong", When: `text == "mirror"`, To: route.ToCustomer},
	))
	h.customer("spam")
	h.want("status", h.status("spam"), state.StatusDropped)
	h.wantLines("to the observer", h.drain("audit"), "spam")
	h.wantLines("to the customer", h.drain("web"), "No.")
	h.customer("gold")
	h.customer("old")
	h.wantOwner("old", 2)
	h.wantLines("to the observer", h.drain("audit"), "gold", "old")
	h.wantLines("to the customer", h.drain("web"), "Thank you.", "passed bot rule")
	h.receive(incoming{channel: "old", thread: h.conv().CustomerID(), text: "note"})
	h.want("a note", h.status("note"), state.StatusUnrouted)
	h.customer("mirror")
	h.want("back to the customer", h.status("mirror"), state.StatusUnrouted)
	h.receive(incoming{channel: "web", thread: "w1", text: "loop", hops: MaxHops + 1})
	h.want("too many hops", h.status("loop"), state.StatusUnrouted)
	h.receive(incoming{channel: "web", thread: "w1", text: "far", hops: MaxHops})
	h.want("maximum number of hops", h.status("far"), state.StatusQueued)
	h.receive(incoming{channel: "web", thread: "w1", text: "again", kind: envelope.KindEcho})
	h.wantLines("to the owner", h.drain("old"), "gold", "old", "far")
	// A dead copy does not affect the message.
	h.outcome(h.head("audit"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
	h.want("the original", h.status("note"), state.StatusUnrouted)
}

func TestRuleMatchesAtMostOncePerInput(t *testing.T) {
	passed := []route.Event{route.EventPassed}
	h := newHarness(t, testPolicy(t,
		onWord("go", route.Rule{Pass: "old"}),
		route.Rule{Name: "there", Events: passed, From: []string{"old"}, Pass: "faq"},
		route.Rule{Name: "back", Events: passed, From: []string{"faq"}, Pass: "old"},
	))
	h.customer("go")
	h.wantOwner("old", 4)
	h.want("status", h.status("go"), state.StatusQueued)
}
