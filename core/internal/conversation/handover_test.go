package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func onWord(word string, r route.Rule) route.Rule {
	r.Name, r.From, r.When = word, []string{"customer"}, fmt.Sprintf("text == %q", word)
	return r
}

func TestPassToTheOwnerIsNothing(t *testing.T) {
	s := newStage(t, testPolicy(t, onWord("faq", route.Rule{Pass: "faq"}), onWord("home", route.Rule{Pass: route.Home})))
	s.customer("faq")
	s.customer("home")
	s.wantOwner("faq", 1)
	s.wantLines("to the bot", s.queue("faq"), "open", "faq", "home")
	s.wantLines("to the customer", s.queue("web"))
}

func TestUndeliveredMessagesFollowControl(t *testing.T) {
	long := strings.Repeat("many words ", 12)
	t.Run("the one in flight too, in order", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		s.customer("one")
		s.opened("faq", "faq-1")
		flying := s.head("faq")
		s.customer("two")
		s.in(say{channel: "web", thread: "w1", kind: envelope.KindTyping})
		s.customer("old")
		s.wantLines("to the new owner", s.queue("old"), "one", "two", "old")
		s.wantLines("to the former owner", s.queue("faq"))
		s.result(flying, delivery.Outcome{})
		if late := lastOf[*journal.Change_Late](s); len(late) != 1 || late[0].Late.GetOutcome() != state.StatusDelivered {
			t.Fatalf("the outcome of the call in flight was recorded as %v", late)
		}
		s.wantLines("delivered", s.drain("old"), "one", "two", "old")
	})
	t.Run("pieces as a whole", func(t *testing.T) {
		s := keptThread(t)
		s.customer(long)
		s.result(s.head("old"), delivery.Outcome{})
		s.customer("faq")
		s.wantLines("to the former owner", s.queue("old"))
		s.wantLines("to the new owner", s.queue("faq"), "open", "many words many word… [hello]", "faq")
	})
	t.Run("held and queued", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("desk")})))
		s.customer("one")
		s.customer("ask")
		s.customer("three")
		s.opened("desk", "desk-1")
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		s.wantLines("to the desk", s.queue("desk"), "one", "ask", "three")
		s.wantLines("to the bot", s.queue("faq"))
	})
	t.Run("an open in vain is told to the desk", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("faq", route.Rule{Pass: "faq"})))
		s.customer("desk")
		flying := s.head("desk")
		s.customer("faq")
		s.result(flying, delivery.Outcome{Thread: "desk-1"})
		s.wantLines("to the desk", s.queue("desk"), "disconnected control_moved")
	})
	t.Run("history is not what comes as a message", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"}), onWord("faq", route.Rule{Pass: "faq"})))
		s.customer("zero")
		s.drain("faq")
		s.customer("one")
		s.customer("two")
		s.customer("old")
		s.wantLines("to a bot that gets a transcript", s.queue("old"), "transcript [zero]", "one", "two", "old")
		s.customer("faq")
		s.wantLines("to a bot that gets history", s.queue("faq"), "open", "one [zero]", "two", "old", "faq")
	})
	t.Run("typing does not use the history up", func(t *testing.T) {
		p := testPolicy(t, onWord("old", route.Rule{Pass: "old"}))
		p.Channels["old"].Events = events(envelope.KindTyping)
		s := newStage(t, p)
		s.customer("zero")
		s.drain("faq")
		s.in(say{channel: "web", thread: "w1", text: "old"})
		s.drain("old")
		s.in(say{channel: "old", thread: s.conv().CustomerID(), text: "welcome"})
		s.policy.Channels["faq"].Events = events(envelope.KindTyping)
		s.policy.Routes = compileRules(t, s.policy, []route.Rule{onWord("faq", route.Rule{Pass: "faq"}), {
			Name: "bye", From: []string{"old"}, When: `text == "bye"`, Pass: "faq",
		}})
		s.in(say{channel: "old", thread: s.conv().CustomerID(), text: "bye"})
		s.in(say{channel: "web", thread: "w1", kind: envelope.KindTyping})
		s.customer("hi again")
		s.wantLines("to the bot", s.queue("faq"), "open", "typing", "hi again [zero, old, welcome, bye]")
	})
}

func TestBounceLimit(t *testing.T) {
	p := testPolicy(t, append(storyRules(), onWord("old", route.Rule{Pass: "old"}), onWord("faq", route.Rule{Pass: "faq"}),
		onWord("desk", route.Rule{Pass: "desk"}), onWord("ask", route.Rule{Offer: route.NewOffer("night")}))...)
	p.Bounces = 2
	s := newStage(t, p)
	s.customer("old")
	s.customer("faq")
	s.customer("old")
	s.wantOwner("faq", 3)
	s.want("the message itself", s.fate("old"), "queued queued")
	s.customer("ask")
	if s.conv().Offer != nil {
		t.Fatal("an offer is made beyond the limit")
	}
	s.now = s.now.Add(time.Hour)
	s.customer("desk")
	s.wantOwner("desk", 4)
	s.opened("desk", "desk-1")
	s.customer("old")
	s.customer("faq")
	s.wantOwner("old", 5)
	s.now = s.now.Add(time.Hour)
	s.customer("desk")
	s.customer("old")
	s.customer("desk")
	s.wantOwner("old", 7)
	t.Run("does not keep an agent who has left", func(t *testing.T) {
		p := testPolicy(t, append(storyRules(), onWord("desk", route.Rule{Pass: "desk"}))...)
		p.Bounces = 1
		s := newStage(t, p)
		s.customer("desk")
		s.opened("desk", "desk-1")
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.wantOwner("faq", 3)
	})
}

func TestDisconnectedWithoutRulePassesHome(t *testing.T) {
	s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"})))
	s.customer("desk")
	s.opened("desk", "desk-1")
	s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
	s.wantOwner("faq", 3)
	s.wantLines("to the desk", s.queue("desk"))
	s.wantLines("to the bot", s.queue("faq"), "open", "desk")
}

func TestThreadInUseStaysKnown(t *testing.T) {
	s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("faq", route.Rule{Pass: "faq"}),
		onWord("night", route.Rule{Offer: route.NewOffer("night")})))
	s.customer("desk")
	flying := s.head("desk")
	s.customer("faq")
	s.result(flying, delivery.Outcome{Thread: "user-1"}) // too late: only recognised
	s.drain("desk")
	s.customer("desk")
	s.opened("desk", "user-1")
	for i := range 16 + 1 {
		s.customer("night")
		flying := s.head("night")
		s.wait(time.Minute)
		s.result(flying, delivery.Outcome{Thread: fmt.Sprint("night-", i)})
		s.drain("night")
	}
	s.want("thread in use", s.state.Find("desk", "user-1"), s.conv().ID)
	if n := len(s.conv().FormerThreads); n != 16 {
		t.Fatalf("%d former threads", n)
	}
	s.want("the oldest", s.state.Find("night", "night-0"), "")
	s.want("the newest", s.state.Find("night", fmt.Sprint("night-", 16)), s.conv().ID)
}
