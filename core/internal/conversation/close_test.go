package conversation

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// closeHarness returns a harness with rules that close, and with channels that receive closing events.
func closeHarness(t *testing.T, rules ...route.Rule) *harness {
	t.Helper()
	p := testPolicy(t, append([]route.Rule{
		{Name: "bye", From: []string{"customer"}, When: `text == "bye"`, Close: true, Say: route.Say{Default: "Good bye."}},
		{Name: "enough", From: []string{"customer"}, When: `text == "enough"`, Close: true, Drop: true},
		{Name: "done", From: []string{"bot", "agent"}, When: `text == "done"`, Close: true},
		{Name: "human", From: []string{"customer"}, When: `text == "human"`, Offer: route.NewOffer("desk")},
		{Name: "to-desk", From: []string{"customer"}, When: `text == "desk"`, Pass: "desk"},
		{Name: "to-old", From: []string{"customer"}, When: `text == "old"`, Pass: "old"},
	}, rules...)...)
	p.Channels["web"].Events[envelope.KindClosed] = true
	p.Channels["faq"].Events = events(envelope.KindClosed, envelope.KindDisconnected)
	return newHarness(t, p)
}

func TestClosingEventsAreQueuedLast(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	h.customer("bye")
	h.wantLines("the bot gets", h.queue("faq"), "hi", "bye", "closed bye")
	h.wantLines("the customer gets", h.queue("web"), "Good bye.", "closed rule")
	if got := lastChanges[*journal.Change_Closing](h); len(got) != 1 || got[0].Closing.GetRule() != "bye" {
		t.Errorf("closing: %v", got)
	}
	h.want("status of bye before its delivery", h.status("bye"), state.StatusQueued)
	h.drain("faq")
	h.want("status of bye", h.status("bye"), state.StatusDelivered)
	h.drain("web")
}

func TestCloseNotifiesChannelsWithThreads(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	h.drain("faq")
	h.customer("desk") // its thread is being opened
	h.customer("bye")
	h.wantLines("the desk gets", h.queue("desk"), "open", "transcript [hi]", "desk", "bye", "disconnected closed")
	h.wantLines("the bot, with a thread of an earlier epoch, gets", h.queue("faq"), "closed bye")
	h.wantLines("the customer gets", h.queue("web"), "passed agent rule", "Good bye.", "closed rule")
	h.openThread("desk", "d1")
	h.wantLines("the desk's calls", h.drain("desk"), "transcript [hi]", "desk", "bye", "disconnected closed")
}

func TestCustomersChannelGetsNoDisconnectedAtTheEnd(t *testing.T) {
	h := closeHarness(t)
	h.policy.Channels["web"].Events = events(envelope.KindDisconnected)
	h.customer("hi")
	h.customer("bye")
	h.wantLines("the customer gets", h.queue("web"), "Good bye.")
	h.wantLines("the bot gets", h.queue("faq"), "open", "hi", "bye", "closed bye")
}

func TestCloseWithDrop(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	h.drain("faq")
	h.customer("enough")
	h.want("status of enough", h.status("enough"), state.StatusDropped)
	h.wantLines("the bot gets", h.queue("faq"), "closed enough")
}

func TestBotClosesConversation(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	h.drain("faq")
	h.receive(incoming{channel: "faq", thread: "f1", text: "done"})
	h.wantLines("the customer gets", h.queue("web"), "done", "closed rule")
	h.receive(incoming{channel: "faq", thread: "f1", text: "one more thing"})
	h.want("status of the bot's next message", h.status("one more thing"), state.StatusFenced)
	h.wantLines("the customer gets afterwards", h.queue("web"), "done", "closed rule")
}

func TestCloseWithdrawsOffer(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	h.drain("faq")
	h.customer("human")
	h.customer("are you there?")
	h.openThread("desk", "d1") // the offer is not accepted yet
	h.customer("bye")
	h.wantLines("the owning bot gets the held messages", h.queue("faq"), "human", "are you there?", "bye", "closed bye")
	h.wantLines("the desk gets", h.queue("desk"), "disconnected offer_withdrawn")
	h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindConnected})
	h.receive(incoming{channel: "desk", thread: "d1", text: "I am here"})
	h.want("status of the desk's message", h.status("I am here"), state.StatusFenced)
	h.wantOwner("faq", 1)
}

func TestCloseAfterOwnerLeftSendsHeldMessagesHome(t *testing.T) {
	h := closeHarness(t, route.Rule{
		Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("night"),
	})
	h.customer("desk")
	h.openThread("desk", "d1")
	h.drain("desk")
	h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
	h.customer("hello?")
	h.customer("bye")
	h.wantOwner("faq", 3)
	h.wantLines("home gets", h.queue("faq"), "open", "desk", "hello?", "bye", "closed bye")
}

// The agent hangs up while deliveries of the customer's last messages are pending.
func TestUndeliveredMessagesOfClosedConversationAreNotLost(t *testing.T) {
	gone := attempt.Outcome{Result: attempt.ResultGone, Error: "gone", Text: "session expired"}
	t.Run("the vendor's thread ends after the close", func(t *testing.T) {
		h := closeHarness(t)
		h.customer("desk")
		h.openThread("desk", "d1")
		h.customer("one more thing")
		h.customer("bye")
		h.outcome(h.head("desk"), attempt.Outcome{})
		h.outcome(h.head("desk"), gone)
		h.wantLines("to the desk", h.queue("desk"))
		h.wantLines("to the bot in the next conversation", h.queue("faq"), "open", "one more thing", "bye")
		h.openThread("faq", "f1")
		h.receive(incoming{channel: "faq", thread: "f1", text: "answer"})
		h.wantLines("to the customer", h.queue("web"), "answer")
		if dead := h.state.DeadLetters(); len(dead) != 0 {
			t.Errorf("dead letters: %+v", dead)
		}
	})
	t.Run("the customer has written again", func(t *testing.T) {
		h := closeHarness(t)
		h.customer("desk")
		h.openThread("desk", "d1")
		inFlight := h.head("desk")
		h.customer("bye")
		h.customer("hello again")
		h.outcome(inFlight, gone)
		h.wantLines("to the bot in the next conversation", h.queue("faq"), "open", "hello again", "desk", "bye")
	})
	t.Run("the customer's session ends with the conversation", func(t *testing.T) {
		h := closeHarness(t)
		h.policy.Channels["web"].Events = events(envelope.KindClosed, envelope.KindDisconnected)
		h.customer("desk")
		h.openThread("desk", "d1")
		inFlight := h.head("desk")
		h.customer("bye")
		h.outcome(inFlight, gone)
		h.want("status", h.status("desk"), state.StatusDead)
		h.wantLines("to the bot", h.queue("faq"))
		h.wantLines("to the customer", h.queue("web"), "Good bye.", "closed rule")
	})
	t.Run("the customer's channel is not configured", func(t *testing.T) {
		h := closeHarness(t)
		h.customer("desk")
		h.openThread("desk", "d1")
		inFlight := h.head("desk")
		h.customer("bye")
		p := *h.policy
		p.Channels = map[string]*Channel{"faq": h.policy.Channels["faq"], "desk": h.policy.Channels["desk"]}
		h.policy, h.unreconciled = &p, true
		h.outcome(inFlight, gone)
		h.want("status", h.status("desk"), state.StatusDead)
	})
	t.Run("with the transcript", func(t *testing.T) {
		h := closeHarness(t)
		h.customer("hi")
		h.drain("faq")
		h.customer("desk")
		h.openThread("desk", "d1")
		h.customer("bye")
		h.outcome(h.head("desk"), gone)
		h.wantLines("to the desk", h.queue("desk"))
		h.wantLines("to the bot in the next conversation", h.queue("faq"), "open", "desk", "bye")
		if dead := h.state.DeadLetters(); len(dead) != 0 {
			t.Errorf("dead letters: %+v", dead)
		}
	})
	t.Run("a bot's thread is opened again", func(t *testing.T) {
		h := closeHarness(t)
		h.customer("hi")
		h.openThread("faq", "f1")
		h.customer("bye")
		h.outcome(h.head("faq"), gone)
		h.wantLines("to the bot", h.queue("faq"), "open", "hi", "bye", "closed bye")
	})
}

func TestCustomerMessageAfterCloseOpensConversation(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	former := h.conv().ID
	h.customer("bye")
	h.customer("hello again")
	if h.conv().ID == former {
		t.Fatal("the message was added to the closed conversation")
	}
	h.wantLines("the bot gets after the close", h.queue("faq"), "open", "hello again")
	c := h.state.Conversation(former)
	if got := h.lanesOf(former); strings.Contains(got, "closed") || c.Lane("faq") == nil || len(c.Lane("faq").Queue) != 2 {
		t.Errorf("queued in the former conversation, want the messages and no closing event:\n%s", got)
	}
	h.openThread("faq", "f2")
	h.receive(incoming{channel: "faq", thread: "f1", text: "late answer"})
	h.want("status of a late answer", h.status("late answer"), state.StatusFenced)
	h.receive(incoming{channel: "faq", thread: "f2", text: "answer"})
	h.wantLines("the customer gets", h.queue("web"), "answer")
	h.outcome(
		c.Lane("faq").Queue[0],
		attempt.Outcome{
			Thread:  "f1",
			Replies: []*inbound.Envelope{h.inbound(incoming{channel: "faq", thread: "f1", text: "late reply"})},
		},
	)
	h.want("status of a late reply", h.status("late reply"), state.StatusFenced)
}

// Some vendors use one thread for all conversations of a customer.
func TestReusedThreadIsReassignedToNewConversation(t *testing.T) {
	h := closeHarness(t)
	h.customer("old") // this bot's thread is the customer's id
	thread := h.conv().CustomerID()
	former := h.conv().ID
	waiting := h.head("old")
	h.customer("bye")
	h.customer("old")
	now := h.conv().ID
	if got := h.state.Find("old", thread); got != now {
		t.Fatalf("the thread leads to %s, want the new conversation %s", got, now)
	}
	h.outcome(
		waiting,
		attempt.Outcome{
			Thread:  thread,
			State:   []byte("of before"),
			Replies: []*inbound.Envelope{h.inbound(incoming{channel: "old", thread: thread, text: "late"})},
		},
	)
	h.want("status of an answer to an earlier message", h.status("late"), state.StatusFenced)
	h.receive(incoming{channel: "old", thread: thread, text: "fresh"})
	h.want("status of an answer", h.status("fresh"), state.StatusQueued)
	if c := h.state.Conversation(former); !c.Threads["old"].Reassigned {
		t.Errorf("the former conversation still owns the thread")
	}
	for c := h.state.Conversation(former); c != nil && len(c.Lanes) > 0; c = h.state.Conversation(former) {
		h.outcome(c.Lanes[0].Queue[0], attempt.Outcome{})
	}
	h.advance(closedRetention)
	if h.state.Conversation(former) != nil {
		t.Error("the former conversation is still kept")
	}
	if got := h.state.Find("old", thread); got != now {
		t.Errorf("after the former conversation is archived the thread leads to %q", got)
	}
}

func TestDuplicatesAfterClose(t *testing.T) {
	h := closeHarness(t)
	h.receive(incoming{channel: "web", thread: "w1", text: "hi", id: "1"})
	h.openThread("faq", "f1")
	h.receive(incoming{channel: "faq", thread: "f1", text: "hello", id: "a"})
	h.receive(incoming{channel: "web", thread: "w1", text: "bye", id: "2"})
	former := h.conv().ID
	again := func(when string) {
		t.Helper()
		for _, m := range []incoming{
			{channel: "web", thread: "w1", text: "hi", id: "1"}, {channel: "web", thread: "w1", text: "bye", id: "2"},
			{channel: "faq", thread: "f1", text: "hello", id: "a"},
		} {
			if v := h.receive(m); v != VerdictDuplicate {
				t.Errorf("%s: verdict on a repeated %q is %v", when, m.text, v)
			}
		}
	}
	again("after the end")
	if h.conv().ID != former {
		t.Fatal("a duplicate opened a conversation")
	}
	h.receive(incoming{channel: "web", thread: "w1", text: "again", id: "3"})
	again("in the next conversation")
	h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
}

func TestReceiptAfterCloseOpensNoConversation(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.customer("bye")
	former := h.conv().ID
	h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindRead})
	if d := lastChanges[*journal.Change_Disposed](h); len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted ||
		h.conv().ID != former {
		t.Errorf("a receipt: %v", d)
	}
}

func TestClosedConversationIsArchivedAfterItsDeliveries(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.openThread("faq", "f1")
	h.customer("bye")
	id := h.conv().ID
	h.drain("web")
	h.advance(2 * closedRetention) // the bot's lane still has deliveries
	if h.state.Conversation(id) == nil {
		t.Fatal("archived before its deliveries ended")
	}
	h.outcome(
		h.head("faq"),
		attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: h.now.Add(time.Second)},
	)
	h.drain("faq")
	h.advance(time.Second)
	if h.state.Conversation(id) != nil || h.state.Find("web", "w1") != "" || h.state.Find("faq", "f1") != "" {
		t.Error("the conversation is still kept after its deliveries and the retention")
	}
	h.customer("hi")
	if n := h.state.Len(); n != 1 {
		t.Errorf("%d conversations", n)
	}
}

func TestDeadLettersOfClosedConversation(t *testing.T) {
	h := closeHarness(t)
	h.customer("hi")
	h.customer("bye")
	id := h.conv().ID
	// This is the open. So the deliveries behind it become dead letters too.
	h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "no"})
	dead := h.state.DeadLetters()
	var texts, deadID string
	for _, l := range dead {
		for _, m := range l.Messages {
			texts += h.text(m.Item.Pos) + " "
		}
		deadID = l.Delivery.ID
	}
	if len(dead) != 1 || texts != "hi bye " {
		t.Errorf("dead letters: %q, want the messages and no closing event", texts)
	}
	h.transact(func(tx *Transaction) {
		if status, _, err := tx.ReplayDeadLetter(deadID); err != nil || status != state.StatusReplayed {
			t.Errorf("Replay = %s, %v", status, err)
		}
	})
	if h.conv().ID == id {
		t.Error("the dead letter was replayed into the closed conversation")
	}
	h.wantLines("to the bot", h.queue("faq"), "open", "hi", "bye")
}

func TestClosingEventDoesNotReopenThread(t *testing.T) {
	h := closeHarness(t)
	h.customer("desk")
	h.openThread("desk", "d1")
	h.drain("desk")
	h.customer("bye")
	h.outcome(h.head("desk"), attempt.Outcome{})
	h.wantLines("to the desk", h.queue("desk"), "disconnected closed")
	h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
	if l := h.conv().Lane("desk"); l != nil {
		t.Errorf("the desk's lane: %v", l.Queue)
	}
}

func TestCloseByEvent(t *testing.T) {
	h := closeHarness(
		t,
		route.Rule{
			Name:   "moved",
			Events: []route.Event{route.EventPassed},
			From:   []string{"old"},
			Close:  true,
			Say:    route.Say{Default: "Moved."},
		},
		route.Rule{Name: "nobody", Events: []route.Event{route.EventOfferFailed}, Close: true},
	)
	h.customer("hi")
	h.customer("old")
	h.wantLines("old gets", h.queue("old"), "hi", "old")
	h.wantLines("the customer gets", h.queue("web"), "passed bot rule", "Moved.", "closed rule")
	h.customer("human")
	h.advance(61 * time.Second)
	h.wantLines("the customer gets from the next close", h.queue("web"), "closed rule")
}

func TestCloseWhenAgentDisconnects(t *testing.T) {
	h := closeHarness(t, route.Rule{
		Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"agent"}, Close: true, Say: route.Say{Default: "Good bye."},
	})
	h.customer("desk")
	h.openThread("desk", "d1")
	h.drain("desk")
	h.drain("web")
	h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
	h.wantOwner("desk", 2) // until the end
	h.wantLines("the customer gets", h.queue("web"), "Good bye.", "closed rule")
	h.customer("desk")
	h.openThread("desk", "d2")
	h.customer("one moment") // not delivered
	h.receive(incoming{channel: "desk", thread: "d2", kind: envelope.KindDisconnected})
	h.wantOwner("faq", 1)
	h.wantLines("the bot gets in the next conversation", h.queue("faq"), "open", "desk [desk]", "one moment")
}

func TestReconcileClosedConversation(t *testing.T) {
	h := closeHarness(t)
	h.customer("desk")
	h.openThread("desk", "d1")
	h.drain("desk")
	h.customer("bye")
	p := *h.policy
	p.Channels = map[string]*Channel{"web": h.policy.Channels["web"], "faq": h.policy.Channels["faq"]}
	h.policy = &p
	h.transact(func(tx *Transaction) {
		for _, id := range Inconsistent(h.state, h.policy, h.now) {
			tx.Reconcile(id)
		}
	})
	h.wantOwner("desk", 2) // a closed conversation keeps its owner
	if h.conv().Lane("desk") != nil {
		t.Error("deliveries to a removed channel are still queued")
	}
	h.want("status of bye", h.status("bye"), state.StatusDead)
}

// The agent hangs up without an answer, and a rule closes the conversation.
func TestUnansweredMessagesOfClosedConversationAreInTheNextHistory(t *testing.T) {
	left := route.Rule{Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"agent"}, Close: true}
	atDesk := func(t *testing.T) *harness {
		h := closeHarness(t, left)
		h.customer("desk")
		h.openThread("desk", "d1")
		h.receive(incoming{channel: "desk", thread: "d1", text: "yes?"})
		h.customer("where is it?")
		h.drain("desk")
		return h
	}
	t.Run("closed by the agent's departure", func(t *testing.T) {
		h := atDesk(t)
		h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
		h.customer("hello?")
		h.wantLines("to the bot", h.queue("faq"), "open", "hello? [where is it?]")
		h.customer("old")
		h.wantLines("to another bot", h.queue("old"), "transcript [where is it?]", "hello?", "old")
	})
	t.Run("with an undelivered message", func(t *testing.T) {
		h := atDesk(t)
		h.customer("are you there?")
		h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
		h.wantLines("to the bot", h.queue("faq"), "open", "are you there? [where is it?]")
	})
	t.Run("closed by the agent's answer", func(t *testing.T) {
		h := atDesk(t)
		h.receive(incoming{channel: "desk", thread: "d1", text: "done"})
		h.customer("hello?")
		h.wantLines("to the bot", h.queue("faq"), "open", "hello?")
	})
	t.Run("closed by the customer", func(t *testing.T) {
		h := atDesk(t)
		h.customer("bye")
		h.customer("hello?")
		h.wantLines("to the bot", h.queue("faq"), "open", "hello?")
	})
}
