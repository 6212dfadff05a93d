package conversation

import (
	"testing"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestHomeMoves(t *testing.T) {
	rules := []route.Rule{
		onWord("home", route.Rule{Home: "old"}), onWord("desk", route.Rule{Pass: "desk"}), onWord("back", route.Rule{Pass: route.Home}),
	}
	t.Run("control at the old home moves along", func(t *testing.T) {
		s := newStage(t, testPolicy(t, rules...))
		s.customer("home")
		s.wantOwner("old", 2)
		s.wantLines("to the new home", s.queue("old"), "home")
	})
	t.Run("control elsewhere stays", func(t *testing.T) {
		s := newStage(t, testPolicy(t, rules...))
		s.customer("desk")
		s.customer("home")
		s.wantOwner("desk", 2)
		s.customer("back")
		s.wantOwner("old", 3)
	})
}

func TestMessageEffects(t *testing.T) {
	s := newStage(t, testPolicy(t,
		route.Rule{Name: "watch", Copy: []string{"audit"}, Continue: true},
		route.Rule{Name: "gold", When: `text == "gold"`, Set: map[string]string{"tier": "gold"}, Say: "Thank you."},
		route.Rule{Name: "vip", From: []string{"customer"}, When: `attr("tier") == "gold" && text == "old"`, Pass: "old"},
		onWord("spam", route.Rule{Drop: true, Say: "No."}),
		route.Rule{Name: "aside", From: []string{"bot"}, When: `text == "note"`, To: route.ToOwner},
		route.Rule{Name: "wrong", When: `text == "mirror"`, To: route.ToCustomer},
	))
	s.customer("spam")
	s.want("fate", s.fate("spam"), state.StatusDropped)
	s.wantLines("to the observer", s.drain("audit"), "spam")
	s.wantLines("to the customer", s.drain("web"), "No.")
	s.customer("gold")
	s.customer("old")
	s.wantOwner("old", 2)
	s.wantLines("to the observer", s.drain("audit"), "gold", "old")
	s.wantLines("to the customer", s.drain("web"), "Thank you.", "passed old vip")
	s.in(say{channel: "old", thread: s.conv().CustomerID(), text: "note"})
	s.want("a note", s.fate("note"), state.StatusUnrouted)
	s.customer("mirror")
	s.want("back to the customer", s.fate("mirror"), state.StatusUnrouted)
	s.in(say{channel: "web", thread: "w1", text: "loop", hops: MaxHops + 1})
	s.want("too many hops", s.fate("loop"), state.StatusUnrouted)
	s.in(say{channel: "web", thread: "w1", text: "far", hops: MaxHops})
	s.want("as many hops as may be", s.fate("far"), state.StatusQueued)
	s.in(say{channel: "web", thread: "w1", text: "again", kind: envelope.KindEcho})
	s.wantLines("to the owner", s.drain("old"), "gold", "old", "far")
	// An observer that gives up a copy harms nobody.
	s.result(s.head("audit"), delivery.Outcome{Result: delivery.ResultDead, Error: "permanent"})
	s.want("the original", s.fate("note"), state.StatusUnrouted)
}

func TestRulesThatChaseEachOtherEnd(t *testing.T) {
	passed := []route.Event{route.EventPassed}
	s := newStage(t, testPolicy(t,
		onWord("go", route.Rule{Pass: "old"}),
		route.Rule{Name: "there", Events: passed, From: []string{"old"}, Pass: "faq"},
		route.Rule{Name: "back", Events: passed, From: []string{"faq"}, Pass: "old"},
	))
	s.customer("go")
	if c := s.conv(); c.Epoch > maxEventDepth+2 {
		t.Fatalf("epoch %d", c.Epoch)
	}
	s.want("fate", s.fate("go"), state.StatusQueued)
}
