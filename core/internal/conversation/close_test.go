package conversation

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// closingStage has rules that close, and channels that want to know.
func closingStage(t *testing.T, rules ...route.Rule) *stage {
	t.Helper()
	p := testPolicy(t, append([]route.Rule{
		{Name: "bye", From: []string{"customer"}, When: `text == "bye"`, Close: true, Say: "Good bye."},
		{Name: "enough", From: []string{"customer"}, When: `text == "enough"`, Close: true, Drop: true},
		{Name: "done", From: []string{"bot", "agent"}, When: `text == "done"`, Close: true},
		{Name: "human", From: []string{"customer"}, When: `text == "human"`, Offer: route.NewOffer("desk")},
		{Name: "to-desk", From: []string{"customer"}, When: `text == "desk"`, Pass: "desk"},
		{Name: "to-old", From: []string{"customer"}, When: `text == "old"`, Pass: "old"},
	}, rules...)...)
	p.Channels["web"].Events[envelope.KindClosed] = true
	p.Channels["faq"].Events = events(envelope.KindClosed, envelope.KindDisconnected)
	return newStage(t, p)
}

func TestCloseComesLast(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	s.customer("bye")
	s.wantLines("the bot gets", s.queue("faq"), "hi", "bye", "closed bye")
	s.wantLines("the customer gets", s.queue("web"), "Good bye.", "closed bye")
	if got := lastOf[*journal.Change_Closing](s); len(got) != 1 || got[0].Closing.GetRule() != "bye" {
		t.Errorf("closing: %v", got)
	}
	s.want("fate of bye while it waits", s.fate("bye"), state.StatusQueued)
	s.drain("faq")
	s.want("fate of bye", s.fate("bye"), state.StatusDelivered)
	s.drain("web")
}

func TestCloseTellsWhoeverIsThere(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	s.drain("faq")
	s.customer("desk") // being opened: nobody is there yet
	s.customer("bye")
	s.wantLines("the desk gets", s.queue("desk"), "open", "transcript [hi]", "desk", "bye", "disconnected closed")
	s.wantLines("the bot, with a thread of an earlier term, gets", s.queue("faq"), "closed bye")
	s.wantLines("the customer gets", s.queue("web"), "passed desk to-desk", "Good bye.", "closed bye")
	s.opened("desk", "d1")
	s.wantLines("the desk's calls", s.drain("desk"), "transcript [hi]", "desk", "bye", "disconnected closed")
}

func TestCloseDropsTheMessageIfTheRuleSaysSo(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	s.drain("faq")
	s.customer("enough")
	s.want("fate of enough", s.fate("enough"), state.StatusDropped)
	s.wantLines("the bot gets", s.queue("faq"), "closed enough")
}

func TestCloseByTheFarSide(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	s.drain("faq")
	s.in(say{channel: "faq", thread: "f1", text: "done"})
	s.wantLines("the customer gets", s.queue("web"), "done", "closed done")
	s.in(say{channel: "faq", thread: "f1", text: "one more thing"})
	s.want("fate of what comes after", s.fate("one more thing"), state.StatusFenced)
	s.wantLines("the customer gets still", s.queue("web"), "done", "closed done")
}

func TestCloseWithdrawsTheOffer(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	s.drain("faq")
	s.customer("human")
	s.customer("are you there?")
	s.opened("desk", "d1") // asked, and has not answered
	s.customer("bye")
	s.wantLines("the bot, who has control, gets what waited", s.queue("faq"), "human", "are you there?", "bye", "closed bye")
	s.wantLines("the desk gets", s.queue("desk"), "disconnected offer_withdrawn")
	s.in(say{channel: "desk", thread: "d1", kind: envelope.KindConnected})
	s.in(say{channel: "desk", thread: "d1", text: "I am here"})
	s.want("fate of the desk's words", s.fate("I am here"), state.StatusFenced)
	s.wantOwner("faq", 1)
}

// TestCloseWhenTheOwnerHasLeft gives what waited with the offer to home: the one who left is not called back.
func TestCloseWhenTheOwnerHasLeft(t *testing.T) {
	s := closingStage(t, route.Rule{
		Name: "left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("night"),
	})
	s.customer("desk")
	s.opened("desk", "d1")
	s.drain("desk")
	s.in(say{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
	s.customer("hello?")
	s.customer("bye")
	s.wantOwner("faq", 3)
	s.wantLines("home gets", s.queue("faq"), "open", "hello? [desk]", "bye", "closed bye")
}

// TestCloseCallsNoAgentBack is about the agent who hangs up while the customer's last words and departure are on their way.
func TestCloseCallsNoAgentBack(t *testing.T) {
	gone := delivery.Outcome{Result: delivery.ResultGone, Error: "gone", Text: "session expired"}
	t.Run("closed before the vendor says so", func(t *testing.T) {
		s := closingStage(t)
		s.customer("desk")
		s.opened("desk", "d1")
		s.customer("one more thing")
		s.customer("bye")
		s.result(s.head("desk"), delivery.Outcome{})
		s.result(s.head("desk"), gone)
		s.wantLines("to the desk", s.queue("desk"), "bye", "disconnected closed")
		s.result(s.head("desk"), gone)
		s.result(s.head("desk"), gone)
		s.wantLines("to the desk", s.queue("desk"))
		s.want("fates", s.fate("one more thing")+" "+s.fate("bye"), "dead dead")
		dead := s.state.DeadLetters()
		if len(dead) != 2 || dead[0].Text != "session expired; no agent is called back, since bye has closed the conversation" {
			t.Errorf("dead letters: %+v", dead)
		}
	})
	t.Run("with the transcript", func(t *testing.T) {
		s := closingStage(t)
		s.customer("hi")
		s.drain("faq")
		s.customer("desk")
		s.opened("desk", "d1")
		s.customer("bye")
		s.result(s.head("desk"), gone)
		s.wantLines("to the desk", s.queue("desk"), "desk", "bye", "disconnected closed")
		if dead := s.state.DeadLetters(); len(dead) != 0 {
			t.Errorf("dead letters: %+v", dead)
		}
	})
	t.Run("a bot is asked again", func(t *testing.T) {
		s := closingStage(t)
		s.customer("hi")
		s.opened("faq", "f1")
		s.customer("bye")
		s.result(s.head("faq"), gone)
		s.wantLines("to the bot", s.queue("faq"), "open", "hi", "bye", "closed bye")
	})
}

func TestCustomerComesBackAfterClose(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	former := s.conv().ID
	s.customer("bye")
	s.customer("hello again")
	if s.conv().ID == former {
		t.Fatal("the customer is back in the conversation that was closed")
	}
	s.wantLines("the bot gets anew", s.queue("faq"), "open", "hello again")
	c := s.state.Conversation(former)
	if got := s.lanesOf(former); strings.Contains(got, "closed") || c.Lane("faq") == nil || len(c.Lane("faq").Queue) != 2 {
		t.Errorf("of the former conversation waits, want what was said and no notice:\n%s", got)
	}
	s.opened("faq", "f2")
	s.in(say{channel: "faq", thread: "f1", text: "late answer"})
	s.want("fate of a late answer", s.fate("late answer"), state.StatusFenced)
	s.in(say{channel: "faq", thread: "f2", text: "answer"})
	s.wantLines("the customer gets", s.queue("web"), "answer")
	s.result(c.Lane("faq").Queue[0], delivery.Outcome{Thread: "f1", Replies: []*inbound.Envelope{s.inbound(say{channel: "faq", thread: "f1", text: "late reply"})}})
	s.want("fate of a late reply", s.fate("late reply"), state.StatusFenced)
}

// TestThreadPassesToTheNewConversation is about vendors that know a customer by one name for ever.
func TestThreadPassesToTheNewConversation(t *testing.T) {
	s := closingStage(t)
	s.customer("old") // a bot whose thread is the customer's id
	thread := s.conv().CustomerID()
	former := s.conv().ID
	waiting := s.head("old")
	s.customer("bye")
	s.customer("old")
	now := s.conv().ID
	if got := s.state.Find("old", thread); got != now {
		t.Fatalf("the thread leads to %s, want the new conversation %s", got, now)
	}
	s.result(waiting, delivery.Outcome{Thread: thread, State: []byte("of before"), Replies: []*inbound.Envelope{s.inbound(say{channel: "old", thread: thread, text: "late"})}})
	s.want("fate of an answer to what was said before", s.fate("late"), state.StatusFenced)
	s.in(say{channel: "old", thread: thread, text: "fresh"})
	s.want("fate of an answer", s.fate("fresh"), state.StatusQueued)
	if c := s.state.Conversation(former); !c.Threads["old"].Reassigned {
		t.Errorf("the former conversation still claims the thread")
	}
	for c := s.state.Conversation(former); c != nil && len(c.Lanes) > 0; c = s.state.Conversation(former) {
		s.result(c.Lanes[0].Queue[0], delivery.Outcome{})
	}
	s.wait(closedRetention)
	if s.state.Conversation(former) != nil {
		t.Error("the former conversation is still kept")
	}
	if got := s.state.Find("old", thread); got != now {
		t.Errorf("once the former conversation is archived the thread leads to %q", got)
	}
}

func TestRepeatsOfAClosedConversation(t *testing.T) {
	s := closingStage(t)
	s.in(say{channel: "web", thread: "w1", text: "hi", id: "1"})
	s.opened("faq", "f1")
	s.in(say{channel: "faq", thread: "f1", text: "hello", id: "a"})
	s.in(say{channel: "web", thread: "w1", text: "bye", id: "2"})
	former := s.conv().ID
	again := func(when string) {
		t.Helper()
		for _, m := range []say{
			{channel: "web", thread: "w1", text: "hi", id: "1"}, {channel: "web", thread: "w1", text: "bye", id: "2"},
			{channel: "faq", thread: "f1", text: "hello", id: "a"},
		} {
			if v := s.in(m); v != VerdictDuplicate {
				t.Errorf("%s: verdict on a repeated %q is %v", when, m.text, v)
			}
		}
	}
	again("after the end")
	if s.conv().ID != former {
		t.Fatal("a repeat opened a conversation")
	}
	s.in(say{channel: "web", thread: "w1", text: "again", id: "3"})
	again("in the next conversation")
	s.in(say{channel: "web", thread: "w1", kind: envelope.KindTyping})
}

func TestReceiptsOpenNothingAfterClose(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.customer("bye")
	former := s.conv().ID
	s.in(say{channel: "web", thread: "w1", kind: envelope.KindRead})
	if d := lastOf[*journal.Change_Disposed](s); len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusUnrouted || s.conv().ID != former {
		t.Errorf("a receipt: %v", d)
	}
}

func TestClosedConversationIsArchived(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.opened("faq", "f1")
	s.customer("bye")
	id := s.conv().ID
	s.drain("web")
	s.wait(2 * closedRetention) // the bot's lane does not move
	if s.state.Conversation(id) == nil {
		t.Fatal("archived while deliveries wait")
	}
	s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultRetry, Error: "transient", Next: s.now.Add(time.Second)})
	s.drain("faq")
	s.wait(time.Second)
	if s.state.Conversation(id) != nil || s.state.Find("web", "w1") != "" || s.state.Find("faq", "f1") != "" {
		t.Error("still kept when nothing waits and repeats have had their time")
	}
	s.customer("hi")
	if n := s.state.Len(); n != 1 {
		t.Errorf("%d conversations", n)
	}
}

func TestClosedConversationAndItsDeadLetters(t *testing.T) {
	s := closingStage(t)
	s.customer("hi")
	s.customer("bye")
	id := s.conv().ID
	s.result(s.head("faq"), delivery.Outcome{Result: delivery.ResultDead, Error: "permanent", Text: "no"}) // the open, and so all behind it
	letters := s.state.DeadLetters()
	var words, letter string
	for _, l := range letters {
		if l.Delivery.Kind == state.KindSend {
			words += s.words(l.Delivery.Item.Pos) + " "
			letter = l.Delivery.ID
		}
	}
	if words != "hi bye " && words != "bye hi " {
		t.Errorf("dead letters: %q, want what was said and no notice", words)
	}
	s.turn(func(tx *Transaction) {
		if status, _, err := tx.ReplayDeadLetter(letter); err != nil || status != state.StatusReplayed {
			t.Errorf("Replay = %s, %v", status, err)
		}
	})
	if s.conv().ID == id {
		t.Error("a dead letter went back into the conversation that was closed")
	}
}

// TestNoticeDoesNotReopen: a vendor that has forgotten the thread need not be told that it has ended.
func TestNoticeDoesNotReopen(t *testing.T) {
	s := closingStage(t)
	s.customer("desk")
	s.opened("desk", "d1")
	s.drain("desk")
	s.customer("bye")
	s.result(s.head("desk"), delivery.Outcome{})
	s.wantLines("to the desk", s.queue("desk"), "disconnected closed")
	s.result(s.head("desk"), delivery.Outcome{Result: delivery.ResultGone, Error: "gone"})
	if l := s.conv().Lane("desk"); l != nil {
		t.Errorf("the desk's lane: %v", l.Queue)
	}
}

// TestCloseByAnEvent closes at the end of the input, so that what the event came with stands before the notices.
func TestCloseByAnEvent(t *testing.T) {
	s := closingStage(t,
		route.Rule{Name: "moved", Events: []route.Event{route.EventPassed}, From: []string{"old"}, Close: true, Say: "Moved."},
		route.Rule{Name: "nobody", Events: []route.Event{route.EventOfferFailed}, Close: true},
	)
	s.customer("hi")
	s.customer("old")
	s.wantLines("old gets", s.queue("old"), "hi", "old")
	s.wantLines("the customer gets", s.queue("web"), "passed old to-old", "Moved.", "closed moved")
	s.customer("human")
	s.wait(61 * time.Second)
	s.wantLines("the customer gets of the next", s.queue("web"), "closed nobody")
}

func TestCloseWhenTheAgentLeaves(t *testing.T) {
	s := closingStage(t, route.Rule{
		Name: "left", Events: []route.Event{route.EventDisconnected}, From: []string{"agent"}, Close: true, Say: "Good bye.",
	})
	s.customer("desk")
	s.opened("desk", "d1")
	s.drain("desk")
	s.drain("web")
	s.in(say{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
	s.wantOwner("desk", 2) // to the end
	s.wantLines("the customer gets", s.queue("web"), "Good bye.", "closed left")
	s.customer("desk")
	s.opened("desk", "d2")
	s.customer("one moment") // and this did not arrive
	s.in(say{channel: "desk", thread: "d2", kind: envelope.KindDisconnected})
	s.wantOwner("faq", 3)
	s.wantLines("the bot gets", s.queue("faq"), "open", "desk", "one moment", "closed left")
}

func TestReloadAfterClose(t *testing.T) {
	s := closingStage(t)
	s.customer("desk")
	s.opened("desk", "d1")
	s.drain("desk")
	s.customer("bye")
	p := *s.policy
	p.Channels = map[string]*Channel{"web": s.policy.Channels["web"], "faq": s.policy.Channels["faq"]}
	s.policy = &p
	s.turn(func(tx *Transaction) {
		for _, id := range Inconsistent(s.state, s.policy) {
			tx.Reconcile(id)
		}
	})
	s.wantOwner("desk", 2) // it ended so
	if s.conv().Lane("desk") != nil {
		t.Error("deliveries to a channel that is gone still wait")
	}
	s.want("fate of bye", s.fate("bye"), state.StatusDead)
}
