package conversation

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// The rules of the story that the gateway is made for.
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

func (s *stage) want(what, got, want string) {
	s.Helper()
	if got != want {
		s.Fatalf("%s: got %q, want %q; lanes:\n%s", what, got, want, s.lanes())
	}
}

func (s *stage) wantLines(what string, got []string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func (s *stage) wantOwner(owner string, epoch uint64) {
	s.Helper()
	if c := s.conv(); c.Owner != owner || c.Epoch != epoch {
		s.Fatalf("owner %s in epoch %d, want %s in epoch %d", c.Owner, c.Epoch, owner, epoch)
	}
}

// queue lists what waits for a channel.
func (s *stage) queue(channel string) []string {
	var out []string
	for _, d := range queued(s.conv(), channel) {
		out = append(out, s.line(&d))
	}
	return out
}

// atDesk plays until the desk has the conversation, on thread desk-1.
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
	s.want("fate", s.fate("hello"), StatusQueued)
	s.result(s.head("faq"), Outcome{Replies: []*Inbound{s.inbound(say{channel: "faq", text: "good day"})}})
	s.want("fate", s.fate("hello"), StatusDelivered)
	s.wantLines("to the customer", s.drain("web"), "good day")
	s.want("fate", s.fate("good day"), StatusDelivered)
	s.wantOwner("faq", 1)
	if c := s.conv(); len(c.Lanes) > 0 || c.Undelivered() != 0 || !c.Unanswered.IsZero() {
		t.Errorf("something is left: %+v", c)
	}
}

func TestStory(t *testing.T) {
	s := newStage(t, testPolicy(t, storyRules()...))
	s.customer("hello")
	s.opened("faq", "faq-1")
	s.result(s.head("faq"), Outcome{Replies: []*Inbound{s.inbound(say{channel: "faq", text: "good day"})}})
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
	s.want("answer on the first term's thread", s.fate("late answer"), StatusFenced)
}

func TestFirstAgentMessageAccepts(t *testing.T) {
	s := newStage(t, testPolicy(t, storyRules()...))
	s.customer("human")
	s.opened("desk", "desk-1")
	s.in(say{channel: "desk", thread: "desk-1", text: "please hold", role: envelope.RoleSystem})
	s.wantOwner("faq", 1)
	s.want("a notice of the desk", s.fate("please hold"), StatusFenced)
	s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
	s.wantOwner("desk", 2)
	s.wantLines("to the customer", s.drain("web"), "One moment.", "passed desk ask-for-a-person", "Ann here")
	s.wantLines("to the desk", s.drain("desk"), "human")
}

func TestFence(t *testing.T) {
	t.Run("not the owner", func(t *testing.T) {
		s := atDesk(t)
		s.in(say{channel: "faq", thread: "faq-1", text: "me too"})
		s.want("fate", s.fate("me too"), StatusFenced)
		s.wantLines("to the customer", s.queue("web"))
		s.customer("x")
		if c := s.conv(); len(c.History) != 3 {
			t.Errorf("what was fenced travels with control: %v", c.History)
		}
	})
	t.Run("former thread of a desk", func(t *testing.T) {
		s := atDesk(t)
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.customer("human")
		s.opened("desk", "desk-2")
		s.in(say{channel: "desk", thread: "desk-2", kind: envelope.KindConnected})
		s.wantOwner("desk", 4)
		s.in(say{channel: "desk", thread: "desk-1", text: "I am late"})
		s.want("fate", s.fate("I am late"), StatusFenced)
	})
	t.Run("in flight at the handover", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "go"`, Pass: "desk"}))
		s.customer("question")
		s.opened("faq", "faq-1")
		flying := s.head("faq")
		s.customer("go")
		s.want("fate", s.fate("question"), StatusQueued)
		s.wantLines("to the desk", s.queue("desk"), "open", "question", "go")
		s.result(flying, Outcome{Replies: []*Inbound{s.inbound(say{channel: "faq", text: "answer"})}})
		s.want("fate", s.fate("answer"), StatusFenced)
		s.want("fate", s.fate("question"), StatusQueued)
	})
	t.Run("reply of a call of an earlier term of the same owner", func(t *testing.T) {
		p := testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "faq"`, Pass: "faq"},
			route.Rule{Name: "q", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
		p.Owner = "old"
		s := newStage(t, p)
		s.customer("question")
		flying := s.head("old")
		s.customer("faq")
		s.customer("old")
		s.wantOwner("old", 3)
		s.result(flying, Outcome{Replies: []*Inbound{s.inbound(say{channel: "old", text: "answer"})}})
		s.want("fate", s.fate("answer"), StatusFenced)
	})
	t.Run("the same bot's thread of an earlier term", func(t *testing.T) {
		s := atDesk(t)
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.wantOwner("faq", 3)
		s.in(say{channel: "faq", thread: "faq-1", text: "as I said"})
		s.want("before the new thread is opened", s.fate("as I said"), StatusFenced)
		s.customer("well")
		s.in(say{channel: "faq", thread: "faq-1", text: "so long"})
		s.want("while it is opened", s.fate("so long"), StatusFenced)
	})
	t.Run("sent before control moved", func(t *testing.T) {
		s := keptThread(t)
		old := CustomerID(s.conv())
		s.in(say{channel: "old", thread: old, text: "second", sent: s.now})
		s.customer("faq")
		s.customer("old")
		s.in(say{channel: "old", thread: old, text: "first", sent: s.now.Add(-time.Second)})
		s.want("fate", s.fate("second")+" "+s.fate("first"), "queued fenced")
	})
	t.Run("by the vendor's clock", func(t *testing.T) {
		s := keptThread(t)
		old := CustomerID(s.conv())
		at := s.now
		s.in(say{channel: "old", thread: old, text: "first", sent: at})
		s.customer("faq")
		s.in(say{channel: "old", thread: old, text: "second", sent: at.Add(5 * time.Second)})
		s.customer("old")
		s.in(say{channel: "old", thread: old, text: "zeroth", sent: at.Add(-time.Second)})
		s.in(say{channel: "old", thread: old, text: "third", sent: at.Add(3 * time.Second)})
		s.in(say{channel: "old", thread: old, text: "fourth", sent: at.Add(6 * time.Second)})
		for text, want := range map[string]string{
			"first": StatusQueued, "second": StatusFenced, "zeroth": StatusFenced, "third": StatusFenced, "fourth": StatusQueued,
		} {
			s.want(text, s.fate(text), want)
		}
	})
	t.Run("observer", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
		s.customer("hello")
		s.in(say{channel: "audit", thread: CustomerID(s.conv()), text: "I see"})
		s.want("fate", s.fate("I see"), StatusFenced)
	})
}

// keptThread is a stage whose home is the bot that keeps its thread; customers pass control by a bot's name.
func keptThread(t tester) *stage {
	p := testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "faq"`, Pass: "faq"},
		route.Rule{Name: "q", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
	p.Owner = "old"
	s := newStage(t, p)
	s.customer("hello")
	s.drain("old")
	return s
}

func TestDuplicates(t *testing.T) {
	s := newStage(t, testPolicy(t))
	first := say{channel: "web", thread: "w1", text: "hello", id: "v0"}
	s.in(first)
	if v := s.in(first); v != VerdictDuplicate {
		t.Fatalf("verdict on a repetition is %v", v)
	}
	if v := s.in(say{channel: "web", thread: "w2", text: "hello", id: "v0"}); v != VerdictAccepted {
		t.Fatalf("verdict on the same id on another thread is %v", v)
	}
	for i := range ringSize - 1 {
		s.in(say{channel: "web", thread: "w1", text: "more", id: fmt.Sprint("w", i)})
	}
	if v := s.in(first); v != VerdictDuplicate {
		t.Fatalf("forgotten while the ring has room: %v", v)
	}
	s.in(say{channel: "web", thread: "w1", text: "more", id: "last"})
	if v := s.in(first); v != VerdictAccepted {
		t.Fatalf("the ring is not bounded: %v", v)
	}
	if n := len(s.conv().Ring); n != ringSize {
		t.Fatalf("ring has %d ids", n)
	}
}

func TestBusyWhenTooMuchWaits(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.turn(func(t *Turn) {
		for range MaxUndelivered - 1 {
			t.Inbound(s.inbound(say{channel: "web", thread: "w1", text: "x"}))
		}
	})
	m := say{channel: "web", thread: "w1", text: "one too many", id: "v"}
	if v := s.in(m); v != VerdictBusy {
		t.Fatalf("verdict is %v with %d waiting", v, s.conv().Undelivered())
	}
	s.opened("faq", "faq-1")
	if v := s.in(m); v != VerdictAccepted {
		t.Fatalf("verdict is %v when there is room again", v)
	}
	// An answer in the same breath can't be sent back to its vendor, so it is kept.
	s.result(s.head("faq"), Outcome{Result: ResultRetry, Replies: nil})
	full := s.inbound(say{channel: "faq", thread: "faq-1", text: "answer"})
	s.turn(func(t *Turn) { t.Inbound(s.inbound(say{channel: "web", thread: "w1", text: "y"})) })
	s.result(Delivery{ID: s.head("faq").ID, Channel: "faq", Kind: KindSend}, Outcome{Replies: []*Inbound{full, full}})
	if n := len(s.book.Dead()); n != 1 {
		t.Fatalf("%d dead letters, want the answer that had no room; %d wait", n, s.conv().Undelivered())
	}
}

func TestOrphans(t *testing.T) {
	t.Run("adopted", func(t *testing.T) {
		s := newStage(t, testPolicy(t, storyRules()...))
		s.customer("human")
		s.in(say{channel: "desk", thread: "desk-1", text: "Ann here"})
		s.in(say{channel: "desk", thread: "desk-1", text: "what is it?"})
		if n, _ := s.book.Orphans(); n != 2 {
			t.Fatalf("%d orphans", n)
		}
		s.wantOwner("faq", 1)
		s.opened("desk", "desk-1")
		s.wantOwner("desk", 2)
		if n, _ := s.book.Orphans(); n != 0 {
			t.Fatalf("%d orphans are left", n)
		}
		s.wantLines("to the customer", s.drain("web"), "One moment.", "passed desk ask-for-a-person", "Ann here", "what is it?")
		s.wantLines("to the desk", s.drain("desk"), "human")
	})
	t.Run("unrouted", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.in(say{channel: "desk", thread: "nobody's", text: "hello?"})
		s.wait(OrphanWait - time.Nanosecond)
		if n, at := s.book.Orphans(); n != 1 || !at.After(s.now) {
			t.Fatalf("%d orphans, due %v, now %v", n, at, s.now)
		}
		s.wait(time.Nanosecond)
		if n, _ := s.book.Orphans(); n != 0 {
			t.Fatalf("%d orphans are left", n)
		}
		d := lastOf[*journal.Change_Disposed](s)
		if len(d) != 1 || d[0].Disposed.GetStatus() != StatusUnrouted {
			t.Fatalf("disposed: %v", d)
		}
	})
	t.Run("keep their identity", func(t *testing.T) {
		s := newStage(t, testPolicy(t, storyRules()...))
		s.customer("human")
		s.in(say{channel: "desk", thread: "desk-1", text: "Ann here", hops: 3})
		id := s.last.GetEnvelopes()[0].GetId()
		s.opened("desk", "desk-1")
		if e := s.last.GetEnvelopes()[0]; e.GetId() != id || e.GetHops() != 3 {
			t.Fatalf("adopted as %s after %d hops, was %s after 3", e.GetId(), e.GetHops(), id)
		}
	})
	t.Run("a thread of the same name", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{
			Name: "ask", From: []string{"customer"}, When: `text == "night"`, Offer: route.NewOffer("night"),
		}))
		s.customer("night")
		s.opened("night", "user-1")
		s.wait(61 * time.Second)
		s.drain("night")
		s.customer("night")
		s.in(say{channel: "night", thread: "user-1", kind: envelope.KindConnected})
		s.wantOwner("faq", 1) // it is not known yet which question was answered
		s.opened("night", "user-1")
		s.wantOwner("night", 2)
		s.wantLines("to the desk", s.drain("night"), "night", "night")
	})
}

func TestOffer(t *testing.T) {
	ask := func(text string, o *route.Offer) route.Rule {
		return route.Rule{Name: text, From: []string{"customer"}, When: fmt.Sprintf("text == %q", text), Offer: o}
	}
	failed := route.Rule{Name: "failed", Events: []route.Event{route.EventOfferFailed}, When: `reason != ""`, Say: "Sorry."}
	both := route.NewOffer("desk", "night")
	loose := route.NewOffer("desk")
	loose.Hold = false
	orElse := route.NewOffer("desk")
	orElse.Else = "old"
	rules := []route.Rule{
		ask("desk", route.NewOffer("desk")), ask("night", route.NewOffer("night")), ask("both", both), ask("loose", loose),
		ask("else", orElse), ask("bot", route.NewOffer("faq", "old")), failed,
	}
	begin := func(t *testing.T, text string) *stage {
		s := newStage(t, testPolicy(t, rules...))
		s.customer(text)
		return s
	}
	outcomes := func(s *stage) string {
		var out []string
		for _, o := range lastOf[*journal.Change_OfferEnded](s) {
			out = append(out, o.OfferEnded.GetTarget()+" "+o.OfferEnded.GetOutcome())
		}
		return strings.Join(out, ", ")
	}
	t.Run("the same again is nothing", func(t *testing.T) {
		s := begin(t, "desk")
		was := *s.conv().Offer
		s.now = s.now.Add(30 * time.Second)
		s.customer("desk")
		if diff := cmp.Diff(was, *s.conv().Offer); diff != "" {
			t.Fatalf("offer changed:\n%s", diff)
		}
		s.wantLines("to the desk", s.queue("desk"), "ask")
		s.want("fate", s.fate("desk"), "held held")
	})
	t.Run("another takes its place", func(t *testing.T) {
		s := begin(t, "desk")
		s.opened("desk", "desk-1")
		s.customer("night")
		s.want("outcome", outcomes(s), "desk withdrawn")
		s.wantLines("to the desk", s.drain("desk"), "disconnected offer_withdrawn")
		s.wantLines("to the night desk", s.queue("night"), "ask")
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		s.wantOwner("faq", 1)
		s.opened("night", "night-1")
		s.in(say{channel: "night", thread: "night-1", kind: envelope.KindConnected})
		s.wantLines("to the night desk", s.drain("night"), "desk", "night")
	})
	t.Run("what waited is not overtaken when the new one does not hold", func(t *testing.T) {
		s := begin(t, "night")
		s.customer("loose")
		s.customer("more")
		s.wantLines("to the bot", s.queue("faq"), "open", "night", "loose", "more")
	})
	t.Run("the list is tried in order", func(t *testing.T) {
		s := begin(t, "both")
		s.wait(60 * time.Second)
		s.want("outcome", outcomes(s), "desk expired")
		s.wantLines("to the desk", s.queue("desk"))
		s.wantLines("to the night desk", s.queue("night"), "ask")
		s.want("fate", s.fate("both"), StatusHeld)
		s.wait(59 * time.Second)
		s.wantLines("to the customer", s.queue("web"))
		s.wait(time.Second)
		s.want("outcome", outcomes(s), "night expired")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
		s.wantLines("to the bot", s.drain("faq"), "open", "both")
	})
	t.Run("declined", func(t *testing.T) {
		s := begin(t, "desk")
		s.result(s.head("desk"), Outcome{Result: ResultDeclined, Error: "declined", Reason: "no agent"})
		s.want("outcome", outcomes(s), "desk declined")
		s.wantLines("to the bot", s.queue("faq"), "open", "desk")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
		s.wantLines("to the desk", s.queue("desk"))
	})
	t.Run("given up", func(t *testing.T) {
		s := begin(t, "desk")
		s.result(s.head("desk"), Outcome{Result: ResultDead, Error: "permanent"})
		s.want("outcome", outcomes(s), "desk unreachable")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
		if n := len(s.book.Dead()); n != 0 {
			t.Fatalf("a question became %d dead letters", n)
		}
	})
	t.Run("closed by the channel", func(t *testing.T) {
		s := begin(t, "desk")
		s.opened("desk", "desk-1")
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected, reason: "queue_full"})
		s.want("outcome", outcomes(s), "desk closed")
		s.wantLines("to the desk", s.queue("desk"))
		s.wantLines("to the bot", s.queue("faq"), "open", "desk")
	})
	t.Run("unreachable fails at once", func(t *testing.T) {
		s := newStage(t, testPolicy(t, rules...))
		s.policy.Reachable = func(ch string) bool { return ch == "faq" }
		s.customer("both")
		s.want("outcome", outcomes(s), "desk unreachable, night unreachable")
		s.wantLines("to the bot", s.queue("faq"), "open", "both")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
	})
	t.Run("else", func(t *testing.T) {
		s := begin(t, "else")
		s.opened("desk", "desk-1")
		s.wait(time.Minute)
		s.wantOwner("old", 2)
		s.wantLines("to the desk", s.queue("desk"), "disconnected offer_expired")
		s.wantLines("to the other bot", s.queue("old"), "else")
		s.wantLines("to the customer", s.queue("web"), "passed old else", "Sorry.")
	})
	t.Run("messages that do not wait", func(t *testing.T) {
		s := begin(t, "loose")
		s.customer("more")
		s.wantLines("to the bot", s.drain("faq"), "open", "loose", "more")
		s.opened("desk", "desk-1")
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		s.wantLines("to the desk", s.queue("desk"), "transcript [loose]", "transcript [more]")
	})
	t.Run("opened after it was withdrawn", func(t *testing.T) {
		s := begin(t, "desk")
		flying := s.head("desk")
		s.wait(time.Minute)
		s.wantLines("to the desk", s.queue("desk"))
		s.result(flying, Outcome{Thread: "desk-1"})
		s.wantLines("to the desk", s.queue("desk"), "disconnected offer_withdrawn")
		if th := s.head("desk").Thread; th != "desk-1" {
			t.Fatalf("told on thread %q", th)
		}
		s.in(say{channel: "desk", thread: "desk-1", text: "hello?"})
		s.want("fate", s.fate("hello?"), StatusFenced)
	})
	t.Run("opened after it was withdrawn and asked again", func(t *testing.T) {
		s := begin(t, "desk")
		flying := s.head("desk")
		s.wait(time.Minute)
		s.customer("desk")
		s.result(flying, Outcome{Thread: "user-1"})
		s.wantLines("to the desk", s.queue("desk"), "disconnected offer_withdrawn", "ask")
		s.drain("desk")
		s.want("offered", s.conv().Offer.Target, "desk")
	})
	t.Run("a channel that can't be asked takes it", func(t *testing.T) {
		s := begin(t, "bot")
		s.wantOwner("old", 2)
		s.wantLines("to the other bot", s.queue("old"), "bot")
	})
	t.Run("the thread it was asked on is the new term's", func(t *testing.T) {
		p := testPolicy(t, ask("bot", route.NewOffer("faq")))
		p.Owner = "old"
		s := newStage(t, p)
		s.customer("bot")
		s.result(s.head("faq"), Outcome{Thread: "faq-1", Accepted: true})
		s.wantOwner("faq", 2)
		s.wantLines("to the bot", s.drain("faq"), "bot")
		s.in(say{channel: "faq", thread: "faq-1", text: "at your service"})
		s.want("fate", s.fate("at your service"), StatusQueued)
	})
	t.Run("when the agent has left, to whoever comes, else home", func(t *testing.T) {
		s := atDesk(t, route.Rule{
			Name: "left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("night"),
		})
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.want("offered", s.conv().Offer.Target, "night")
		s.customer("hello?")
		s.want("fate", s.fate("hello?"), StatusHeld)
		s.wait(time.Minute)
		s.wantOwner("faq", 3)
		s.wantLines("to the desk", s.queue("desk"))
		s.want("fate", s.fate("hello?"), StatusQueued)
	})
}

func TestReplayOfDeadLetters(t *testing.T) {
	toOld := route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}
	dead := func(s *stage, channel string) string {
		d := s.head(channel)
		s.result(d, Outcome{Result: ResultDead, Error: "permanent", Text: "no"})
		return d.ID
	}
	replay := func(s *stage, id string) (status string, err error) {
		s.turn(func(t *Turn) { status, _, err = t.Replay(id) })
		return status, err
	}
	t.Run("the customer's words follow control", func(t *testing.T) {
		s := newStage(t, testPolicy(t, toOld))
		s.customer("hello")
		s.opened("faq", "faq-1")
		id := dead(s, "faq")
		s.want("fate", s.fate("hello"), StatusDead)
		s.customer("old")
		s.drain("old")
		if status, err := replay(s, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.wantLines("to the other bot", s.queue("old"), "hello")
		s.want("fate", s.fate("hello"), StatusQueued)
		if _, err := replay(s, id); !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("replayed twice: %v", err)
		}
	})
	t.Run("an earlier owner's words are fenced", func(t *testing.T) {
		s := newStage(t, testPolicy(t, toOld))
		s.customer("hello")
		s.opened("faq", "faq-1")
		s.in(say{channel: "faq", thread: "faq-1", text: "answer"})
		id := dead(s, "web")
		s.customer("old")
		if status, err := replay(s, id); err != nil || status != StatusFenced {
			t.Fatalf("%s, %v", status, err)
		}
		s.want("fate", s.fate("answer"), StatusFenced)
	})
	t.Run("the owner's words of this term are sent", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.opened("faq", "faq-1")
		s.in(say{channel: "faq", thread: "faq-1", text: "answer"})
		id := dead(s, "web")
		if status, err := replay(s, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.want("fate", s.fate("answer"), StatusQueued)
	})
	t.Run("a piece alone in its own term", func(t *testing.T) {
		s := keptThread(t)
		s.customer(strings.Repeat("many words ", 12))
		id := dead(s, "old")
		s.drain("old")
		if _, err := replay(s, id); err != nil {
			t.Fatal(err)
		}
		if q := s.queue("old"); len(q) != 1 || !strings.Contains(q[0], "1/") {
			t.Fatalf("replayed: %v", q)
		}
	})
	t.Run("pieces of one message once, whoever has control", func(t *testing.T) {
		s := keptThread(t)
		long := strings.Repeat("many words ", 12)
		s.customer(long)
		first, second := dead(s, "old"), dead(s, "old")
		s.drain("old")
		s.customer("faq")
		s.drain("faq")
		if status, err := replay(s, first); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.wantLines("to the new owner", s.queue("faq"), "many words many word…")
		if _, err := replay(s, second); !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("the other piece can be replayed, too: %v", err)
		}
	})
	t.Run("pieces of a message that followed control", func(t *testing.T) {
		s := keptThread(t)
		s.customer(strings.Repeat("many words ", 12))
		dead(s, "old")
		s.customer("faq")
		s.wantLines("to the new owner", s.queue("faq"), "open", "many words many word… [hello]", "faq")
		if l := s.book.Dead(); len(l) != 0 {
			t.Fatalf("dead letters: %+v", l)
		}
	})
	t.Run("an open is not replayed", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		id := dead(s, "faq")
		s.want("what waited behind it", s.fate("hello"), StatusDead)
		s.wantLines("to the bot", s.queue("faq"))
		if _, err := replay(s, id); err == nil {
			t.Fatal("an open was replayed")
		}
	})
	t.Run("undecided", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.turn(func(t *Turn) { t.Undecided(s.inbound(say{channel: "web", thread: "w1", text: "odd"}), "panic") })
		letters := s.book.Dead()
		if len(letters) != 1 || letters[0].Error != "undecided" {
			t.Fatalf("dead letters: %v", letters)
		}
		if _, err := replay(s, letters[0].Delivery.ID); err != nil {
			t.Fatal(err)
		}
		s.wantLines("to the bot", s.queue("faq"), "open", "hello", "odd")
	})
}
