package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func handoverRules() []route.Rule {
	return []route.Rule{
		{
			Name: "ask-for-an-agent", From: []string{"customer"}, When: `owner_role == "bot" && mentions(["human"])`,
			Say: route.Say{Default: "One moment."}, Offer: route.NewOffer("desk"),
		},
		{Name: "no-agent", Events: []route.Event{route.EventOfferFailed}, Say: route.Say{Default: "No agent is free."}},
		{
			Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"agent"},
			Say: route.Say{Default: "You are back."}, Pass: route.Home,
		},
	}
}

func atDeskHarness(t tester, rules ...route.Rule) *harness {
	h := newHarness(t, testPolicy(t, append(rules, handoverRules()...)...))
	h.customer("hello")
	h.openThread("faq", "faq-1")
	h.drain("faq")
	h.customer("a human please")
	h.openThread("desk", "desk-1")
	h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
	h.wantOwner("desk", 2)
	h.drain("web")
	h.drain("desk")
	return h
}

func TestMessageAndReply(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("hello")
	h.wantLines("to the bot", h.queue("faq"), "open", "hello")
	h.openThread("faq", "faq-1")
	h.want("status", h.status("hello"), state.StatusQueued)
	h.outcome(
		h.head("faq"),
		attempt.Outcome{Replies: []*inbound.Envelope{h.inbound(incoming{channel: "faq", text: "good day"})}},
	)
	h.want("status", h.status("hello"), state.StatusDelivered)
	h.wantLines("to the customer", h.drain("web"), "good day")
	h.want("status", h.status("good day"), state.StatusDelivered)
	h.wantOwner("faq", 1)
	if c := h.conv(); len(c.Lanes) > 0 || c.Undelivered() != 0 || !c.UnansweredSince.IsZero() {
		t.Errorf("undelivered messages remain: %+v", c)
	}
}

func TestHandoverToDeskAndBack(t *testing.T) {
	h := newHarness(t, testPolicy(t, handoverRules()...))
	h.customer("hello")
	h.openThread("faq", "faq-1")
	h.outcome(
		h.head("faq"),
		attempt.Outcome{Replies: []*inbound.Envelope{h.inbound(incoming{channel: "faq", text: "good day"})}},
	)
	h.customer("a human please")
	h.customer("are you there?")
	h.wantOwner("faq", 1)
	h.want("status", h.status("a human please")+" "+h.status("are you there?"), "held held")
	h.wantLines("to the bot", h.queue("faq"))
	h.wantLines("to the customer", h.drain("web"), "good day", "One moment.")

	h.openThread("desk", "desk-1")
	h.wantOwner("faq", 1)
	h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
	h.wantOwner("desk", 2)
	h.wantLines("to the customer", h.drain("web"), "passed agent offer")
	h.wantLines("to the desk", h.drain("desk"),
		"transcript [hello]", "transcript [good day]", "a human please", "are you there?")

	h.receive(incoming{channel: "desk", thread: "desk-1", text: "Ann here"})
	h.customer("thanks")
	h.wantLines("to the customer", h.drain("web"), "Ann here")
	h.wantLines("to the desk", h.drain("desk"), "thanks")

	h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
	h.wantOwner("faq", 3)
	h.wantLines("to the customer", h.drain("web"), "passed bot rule", "You are back.")
	h.customer("one more thing")
	h.wantLines("to the bot", h.drain("faq"), "open",
		"one more thing [hello, good day, a human please, are you there?, Ann here, thanks]")
	h.customer("and another")
	h.wantLines("to the bot", h.drain("faq"), "and another")
	h.receive(incoming{channel: "faq", thread: "faq-1", text: "late answer"})
	h.want("answer on the first epoch's thread", h.status("late answer"), state.StatusFenced)
}

func TestFirstAgentMessageAcceptsOffer(t *testing.T) {
	h := newHarness(t, testPolicy(t, handoverRules()...))
	h.customer("human")
	h.openThread("desk", "desk-1")
	h.receive(incoming{channel: "desk", thread: "desk-1", text: "please hold", role: envelope.RoleSystem})
	h.wantOwner("faq", 1)
	h.want("a notice of the desk", h.status("please hold"), state.StatusFenced)
	h.receive(incoming{channel: "desk", thread: "desk-1", text: "Ann here"})
	h.wantOwner("desk", 2)
	h.wantLines("to the customer", h.drain("web"), "One moment.", "passed agent offer", "Ann here")
	h.wantLines("to the desk", h.drain("desk"), "human")
}

func TestAnswerRecordsHowLongTheCustomerHasWaited(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("hello")
	h.openThread("faq", "faq-1")
	h.drain("faq")
	h.advance(3 * time.Second)
	h.customer("anybody?")
	h.drain("faq")
	h.advance(2 * time.Second)
	h.receive(incoming{channel: "faq", thread: "faq-1", text: "good day"})
	if got := lastChanges[*journal.Change_Answered](h); len(got) != 1 ||
		got[0].Answered.GetAfter() != int64(5*time.Second) || got[0].Answered.GetChannel() != "faq" {
		t.Errorf("answered %v, want after 5s", got)
	}
	h.receive(incoming{channel: "faq", thread: "faq-1", text: "how can I help?"})
	if got := lastChanges[*journal.Change_Answered](h); len(got) != 0 {
		t.Errorf("a further message answers as well: %v", got)
	}
}
