package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func onWord(word string, r route.Rule) route.Rule {
	r.Name, r.From, r.When = word, []string{"customer"}, fmt.Sprintf("text == %q", word)
	return r
}

func TestPassToOwnerChangesNothing(t *testing.T) {
	h := newHarness(t, testPolicy(t, onWord("faq", route.Rule{Pass: "faq"}), onWord("home", route.Rule{Pass: route.Home})))
	h.customer("faq")
	h.customer("home")
	h.wantOwner("faq", 1)
	h.wantLines("to the bot", h.queue("faq"), "open", "faq", "home")
	h.wantLines("to the customer", h.queue("web"))
}

func TestUndeliveredMessagesFollowControl(t *testing.T) {
	long := strings.Repeat("many words ", 12)
	t.Run("including the one in flight, in order", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		h.customer("one")
		h.openThread("faq", "faq-1")
		inFlight := h.head("faq")
		h.customer("two")
		h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
		h.customer("old")
		h.wantLines("to the new owner", h.queue("old"), "one", "two", "old")
		h.wantLines("to the former owner", h.queue("faq"))
		h.outcome(inFlight, attempt.Outcome{})
		if late := lastChanges[*journal.Change_Late](h); len(late) != 1 ||
			late[0].Late.GetOutcome() != state.StatusDelivered {
			t.Fatalf("the outcome of the call in flight was recorded as %v", late)
		}
		h.wantLines("delivered", h.drain("old"), "one", "two", "old")
	})
	t.Run("a divided message as a whole", func(t *testing.T) {
		h := keptThreadHarness(t)
		h.customer(long)
		h.outcome(h.head("old"), attempt.Outcome{})
		h.customer("faq")
		h.wantLines("to the former owner", h.queue("old"))
		h.wantLines("to the new owner", h.queue("faq"), "open", "many words many word… [hello]", "faq")
	})
	t.Run("held and queued", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("desk")})))
		h.customer("one")
		h.customer("ask")
		h.customer("three")
		h.openThread("desk", "desk-1")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		h.wantLines("to the desk", h.queue("desk"), "one", "ask", "three")
		h.wantLines("to the bot", h.queue("faq"))
	})
	t.Run("a desk is notified about an unneeded open", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("faq", route.Rule{Pass: "faq"})))
		h.customer("desk")
		inFlight := h.head("desk")
		h.customer("faq")
		h.outcome(inFlight, attempt.Outcome{Thread: "desk-1"})
		h.wantLines("to the desk", h.queue("desk"), "disconnected control_moved")
	})
	t.Run("history leaves out messages that are sent", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"}), onWord("faq", route.Rule{Pass: "faq"})))
		h.customer("zero")
		h.drain("faq")
		h.customer("one")
		h.customer("two")
		h.customer("old")
		h.wantLines("to a bot that gets a transcript", h.queue("old"), "transcript [zero]", "one", "two", "old")
		h.customer("faq")
		h.wantLines("to a bot that gets history", h.queue("faq"), "open", "one [zero]", "two", "old", "faq")
	})
	t.Run("typing does not consume the history", func(t *testing.T) {
		p := testPolicy(t, onWord("old", route.Rule{Pass: "old"}))
		p.Channels["old"].Events = events(envelope.KindTyping)
		h := newHarness(t, p)
		h.customer("zero")
		h.drain("faq")
		h.receive(incoming{channel: "web", thread: "w1", text: "old"})
		h.drain("old")
		h.receive(incoming{channel: "old", thread: h.conv().CustomerID(), text: "welcome"})
		h.policy.Channels["faq"].Events, h.policy.Channels["faq"].Opens = events(envelope.KindTyping), false
		h.policy.Routes = compileRules(t, h.policy, []route.Rule{onWord("faq", route.Rule{Pass: "faq"}), {
			Name: "bye", From: []string{"old"}, When: `text == "bye"`, Pass: "faq",
		}})
		h.receive(incoming{channel: "old", thread: h.conv().CustomerID(), text: "bye"})
		h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
		h.customer("hi again")
		h.wantLines("to the bot", h.queue("faq"), "typing", "hi again [zero, old, welcome, bye]")
	})
}

func TestBounceLimit(t *testing.T) {
	p := testPolicy(t, append(handoverRules(),
		onWord("old", route.Rule{Pass: "old"}), onWord("faq", route.Rule{Pass: "faq"}),
		onWord("desk", route.Rule{Pass: "desk"}), onWord("ask", route.Rule{Offer: route.NewOffer("night")}))...)
	p.Bounces = 2
	h := newHarness(t, p)
	h.customer("old")
	h.customer("faq")
	h.customer("old")
	h.wantOwner("faq", 3)
	h.want("status of the messages", h.status("old"), "queued queued")
	h.customer("ask")
	if h.conv().Offer != nil {
		t.Fatal("an offer was made beyond the limit")
	}
	h.now = h.now.Add(time.Hour)
	h.customer("desk")
	h.wantOwner("desk", 4)
	h.openThread("desk", "desk-1")
	h.customer("old")
	h.customer("faq")
	h.wantOwner("old", 5)
	h.now = h.now.Add(time.Hour)
	h.customer("desk")
	h.customer("old")
	h.customer("desk")
	h.wantOwner("old", 7)
	t.Run("does not apply when the agent has left", func(t *testing.T) {
		p := testPolicy(t, append(handoverRules(), onWord("desk", route.Rule{Pass: "desk"}))...)
		p.Bounces = 1
		h := newHarness(t, p)
		h.customer("desk")
		h.openThread("desk", "desk-1")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		h.wantOwner("faq", 3)
	})
}

func TestDisconnectedWithoutRulePassesHome(t *testing.T) {
	h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"})))
	h.customer("desk")
	h.openThread("desk", "desk-1")
	h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
	h.wantOwner("faq", 3)
	h.wantLines("to the desk", h.queue("desk"))
	h.wantLines("to the bot", h.queue("faq"), "open", "desk")
}

func TestThreadInUseIsKeptLongerThanFormerThreads(t *testing.T) {
	h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("faq", route.Rule{Pass: "faq"}),
		onWord("night", route.Rule{Offer: route.NewOffer("night")})))
	h.customer("desk")
	inFlight := h.head("desk")
	h.customer("faq")
	h.outcome(inFlight, attempt.Outcome{Thread: "user-1"}) // late, so the thread is only recognized
	h.drain("desk")
	h.customer("desk")
	h.openThread("desk", "user-1")
	for i := range 16 + 1 {
		h.customer("night")
		inFlight := h.head("night")
		h.advance(time.Minute)
		h.outcome(inFlight, attempt.Outcome{Thread: fmt.Sprint("night-", i)})
		h.drain("night")
	}
	h.want("thread in use", h.state.Find("desk", "user-1"), h.conv().ID)
	if n := len(h.conv().FormerThreads); n != 16 {
		t.Fatalf("%d former threads", n)
	}
	h.want("the oldest", h.state.Find("night", "night-0"), "")
	h.want("the newest", h.state.Find("night", fmt.Sprint("night-", 16)), h.conv().ID)
}
