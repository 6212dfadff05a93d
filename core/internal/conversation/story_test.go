package conversation

import (
	"testing"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func storyRules() []route.Rule {
	return []route.Rule{
		{
			Name: "ask-for-a-person", From: []string{"customer"}, When: `owner_role == "bot" && mentions(["human"])`,
			Say: "One moment.", Offer: route.NewOffer("desk"),
		},
		{Name: "nobody-came", Events: []route.Event{route.EventOfferFailed}, Say: "Nobody is free."},
		{
			Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"agent"},
			Say: "You are back.", Pass: route.Home,
		},
	}
}

func atDesk(t tester, rules ...route.Rule) *stage {
	s := newStage(t, testPolicy(t, append(rules, storyRules()...)...))
	s.customer("hello")
	s.opened("faq", "faq-1")
	s.drain("faq")
	s.customer("a human please")
	s.opened("desk", "desk-1")
	s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
	s.wantOwner("desk", 2)
	s.drain("web")
	s.drain("desk")
	return s
}

func TestNormalledPath(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.customer("hello")
	s.wantLines("to the bot", s.queue("faq"), "open", "hello")
	s.opened("faq", "faq-1")
	s.want("fate", s.fate("hello"), state.StatusQueued)
	s.result(s.head("faq"), delivery.Outcome{Replies: []*inbound.Envelope{s.inbound(say{channel: "faq", text: "good day"})}})
	s.want("fate", s.fate("hello"), state.StatusDelivered)
	s.wantLines("to the customer", s.drain("web"), "good day")
	s.want("fate", s.fate("good day"), state.StatusDelivered)
	s.wantOwner("faq", 1)
	if c := s.conv(); len(c.Lanes) > 0 || c.Undelivered() != 0 || !c.UnansweredSince.IsZero() {
		t.Errorf("something is left: %+v", c)
	}
}

func TestStory(t *testing.T) {
	s := newStage(t, testPolicy(t, storyRules()...))
	s.customer("hello")
	s.opened("faq", "faq-1")
	s.result(s.head("faq"), delivery.Outcome{Replies: []*inbound.Envelope{s.inbound(say{channel: "faq", text: "good day"})}})
	s.customer("a human please")
	s.customer("are you there?")
	s.wantOwner("faq", 1)
	s.want("fate", s.fate("a human please")+" "+s.fate("are you there?"), "held held")
	s.wantLines("to the bot", s.queue("faq"))
	s.wantLines("to the customer", s.drain("web"), "good day", "One moment.")

	s.opened("desk", "desk-1")
	s.wantOwner("faq", 1)
	s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
	s.wantOwner("desk", 2)
	s.wantLines("to the customer", s.drain("web"), "passed desk ask-for-a-person")
	s.wantLines("to the desk", s.drain("desk"),
		"transcript [hello]", "transcript [good day]", "a human please", "are you there?")

	s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
	s.customer("thanks")
	s.wantLines("to the customer", s.drain("web"), "Ann here")
	s.wantLines("to the desk", s.drain("desk"), "thanks")

	s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
	s.wantOwner("faq", 3)
	s.wantLines("to the customer", s.drain("web"), "passed faq agent-left", "You are back.")
	s.customer("one more thing")
	s.wantLines("to the bot", s.drain("faq"), "open",
		"one more thing [hello, good day, a human please, are you there?, Ann here, thanks]")
	s.customer("and another")
	s.wantLines("to the bot", s.drain("faq"), "and another")
	s.in(say{channel: "faq", thread: "faq-1", text: "late answer"})
	s.want("answer on the first term's thread", s.fate("late answer"), state.StatusFenced)
}

func TestFirstAgentMessageAccepts(t *testing.T) {
	s := newStage(t, testPolicy(t, storyRules()...))
	s.customer("human")
	s.opened("desk", "desk-1")
	s.in(say{channel: "desk", thread: "desk-1", text: "please hold", role: envelope.RoleSystem})
	s.wantOwner("faq", 1)
	s.want("a notice of the desk", s.fate("please hold"), state.StatusFenced)
	s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
	s.wantOwner("desk", 2)
	s.wantLines("to the customer", s.drain("web"), "One moment.", "passed desk ask-for-a-person", "Ann here")
	s.wantLines("to the desk", s.drain("desk"), "human")
}
