package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// onWord is a rule about a customer's message of one word.
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
		s.result(flying, Outcome{})
		if late := lastOf[*journal.Change_Late](s); len(late) != 1 || late[0].Late.GetOutcome() != StatusDelivered {
			t.Fatalf("the outcome of the call in flight was recorded as %v", late)
		}
		s.wantLines("delivered", s.drain("old"), "one", "two", "old")
	})
	t.Run("pieces as a whole", func(t *testing.T) {
		s := keptThread(t)
		s.customer(long)
		s.result(s.head("old"), Outcome{})
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
		s.result(flying, Outcome{Thread: "desk-1"})
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
		s.in(say{channel: "old", thread: CustomerID(s.conv()), text: "welcome"})
		s.policy.Channels["faq"].Events = events(envelope.KindTyping)
		s.policy.Routes = compileRules(t, s.policy, []route.Rule{onWord("faq", route.Rule{Pass: "faq"}), {
			Name: "bye", From: []string{"old"}, When: `text == "bye"`, Pass: "faq",
		}})
		s.in(say{channel: "old", thread: CustomerID(s.conv()), text: "bye"})
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
	s.want("fate", s.fate("spam"), StatusDropped)
	s.wantLines("to the observer", s.drain("audit"), "spam")
	s.wantLines("to the customer", s.drain("web"), "No.")
	s.customer("gold")
	s.customer("old")
	s.wantOwner("old", 2)
	s.wantLines("to the observer", s.drain("audit"), "gold", "old")
	s.wantLines("to the customer", s.drain("web"), "Thank you.", "passed old vip")
	s.in(say{channel: "old", thread: CustomerID(s.conv()), text: "note"})
	s.want("a note", s.fate("note"), StatusUnrouted)
	s.customer("mirror")
	s.want("back to the customer", s.fate("mirror"), StatusUnrouted)
	s.in(say{channel: "web", thread: "w1", text: "loop", hops: MaxHops + 1})
	s.want("too many hops", s.fate("loop"), StatusUnrouted)
	s.in(say{channel: "web", thread: "w1", text: "far", hops: MaxHops})
	s.want("as many hops as may be", s.fate("far"), StatusQueued)
	s.in(say{channel: "web", thread: "w1", text: "again", kind: envelope.KindEcho})
	s.wantLines("to the owner", s.drain("old"), "gold", "old", "far")
	// An observer that gives up a copy harms nobody.
	s.result(s.head("audit"), Outcome{Result: ResultDead, Error: "permanent"})
	s.want("the original", s.fate("note"), StatusUnrouted)
}

func TestRulesThatChaseEachOtherEnd(t *testing.T) {
	passed := []route.Event{route.EventPassed}
	s := newStage(t, testPolicy(t,
		onWord("go", route.Rule{Pass: "old"}),
		route.Rule{Name: "there", Events: passed, From: []string{"old"}, Pass: "faq"},
		route.Rule{Name: "back", Events: passed, From: []string{"faq"}, Pass: "old"},
	))
	s.customer("go")
	if c := s.conv(); c.Epoch > maxDepth+2 {
		t.Fatalf("epoch %d", c.Epoch)
	}
	s.want("fate", s.fate("go"), StatusQueued)
}

func TestResults(t *testing.T) {
	t.Run("retry keeps the head, give-up ends it", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.customer("two")
		s.opened("faq", "faq-1")
		next := s.now.Add(3 * time.Second)
		s.result(s.head("faq"), Outcome{Result: ResultRetry, Error: "transient", Text: "503", Next: next})
		if d := s.head("faq"); d.Attempts != 1 || !d.NextAt.Equal(next) || s.line(&d) != "one" || d.Error != "transient" {
			t.Fatalf("after a try: %+v", d)
		}
		if at := s.conv().Next(s.policy); !at.Equal(next) {
			t.Fatalf("next at %v, want %v", at, next)
		}
		s.now = s.now.Add(time.Hour)
		s.result(s.head("faq"), Outcome{Result: ResultRetry, Error: "transient", Next: s.now})
		s.want("fate", s.fate("one")+" "+s.fate("two"), "dead queued")
		if l := s.book.Dead(); len(l) != 1 || l[0].Attempts != 2 || l[0].Error != "transient" || !l[0].Delivery.Follows {
			t.Fatalf("dead letters: %+v", l)
		}
	})
	t.Run("gone opens again, with history, in order", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("zero")
		s.drain("faq")
		s.customer("one")
		s.customer("two")
		s.result(s.head("faq"), Outcome{Result: ResultGone, Error: "gone"})
		s.wantLines("to the bot", s.queue("faq"), "open", "one [zero]", "two")
		s.opened("faq", "faq-again")
		s.in(say{channel: "faq", thread: "faq-again", text: "welcome back"})
		s.want("answer on the new thread", s.fate("welcome back"), StatusQueued)
		for range maxReopened - 1 {
			s.result(s.head("faq"), Outcome{Result: ResultGone, Error: "gone"})
			s.opened("faq", "faq-"+s.newID())
		}
		s.result(s.head("faq"), Outcome{Result: ResultGone, Error: "gone"})
		s.want("fate", s.fate("one")+" "+s.fate("two"), "dead queued")
	})
	t.Run("gone transcripts are bounded", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"})))
		s.customer("zero")
		s.drain("faq")
		s.customer("desk")
		for range maxReopened {
			s.opened("desk", "desk-"+s.newID())
			s.result(s.head("desk"), Outcome{Result: ResultGone, Error: "gone"})
			s.wantLines("to the desk", s.queue("desk"), "open", "transcript [zero]", "desk")
		}
		s.opened("desk", "desk-last")
		s.result(s.head("desk"), Outcome{Result: ResultGone, Error: "gone"})
		s.wantLines("to the desk", s.queue("desk"), "desk")
	})
	t.Run("a failed open buries what waits for it", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.customer("two")
		s.result(s.head("faq"), Outcome{Result: ResultDead, Error: "unauthorized"})
		s.want("fate", s.fate("one")+" "+s.fate("two"), "dead dead")
		s.customer("three")
		s.wantLines("to the bot", s.queue("faq"), "open", "three [one, two]")
	})
	t.Run("an unknown conversation", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.turn(func(t *Turn) { t.Result(&Outcome{Conversation: "nobody", Delivery: "d", Channel: "faq"}) })
	})
	t.Run("state is kept with its thread", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("one")
		s.result(s.head("faq"), Outcome{Thread: "faq-1", State: []byte("token")})
		if th := s.conv().Threads["faq"]; string(th.State) != "token" || !th.Live || th.Epoch != 1 {
			t.Fatalf("thread %+v", th)
		}
		s.result(s.head("faq"), Outcome{State: []byte("newer")})
		if th := s.conv().Threads["faq"]; string(th.State) != "newer" {
			t.Fatalf("thread %+v", th)
		}
	})
}

func TestCloseAfterIdle(t *testing.T) {
	s := newStage(t, testPolicy(t))
	s.customer("hello")
	if at := s.conv().Next(s.policy); !at.IsZero() {
		t.Fatalf("a conversation with undelivered messages closes at %v", at)
	}
	s.drain("faq")
	at := s.conv().Next(s.policy)
	if want := s.now.Add(s.policy.CloseAfter); !at.Equal(want) {
		t.Fatalf("closes at %v, want %v", at, want)
	}
	s.wait(s.policy.CloseAfter - 1)
	if s.book.Len() != 1 {
		t.Fatal("closed early")
	}
	s.wait(1)
	if s.book.Len() != 0 || s.book.Find("web", "w1") != "" || len(s.book.threads) > 0 {
		t.Fatalf("something is left: %v", s.book.threads)
	}
	s.customer("hello again")
	s.wantOwner("faq", 1)
}

func TestReconcile(t *testing.T) {
	without := func(s *stage, names ...string) {
		p := *s.policy
		p.Channels = map[string]*Channel{}
		for n, ch := range s.policy.Channels {
			p.Channels[n] = ch
		}
		for _, n := range names {
			delete(p.Channels, n)
		}
		s.policy = &p
		s.turn(func(t *Turn) {
			for _, id := range s.book.Inconsistent(s.policy) {
				t.Reconcile(id)
			}
		})
	}
	t.Run("the owner is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"})))
		s.customer("old")
		s.customer("two")
		without(s, "old")
		s.wantOwner("faq", 3)
		s.wantLines("to home", s.queue("faq"), "open", "old", "two")
	})
	t.Run("the offered channel is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("night")})))
		s.customer("ask")
		without(s, "night")
		s.want("fate", s.fate("ask"), StatusQueued)
		if len(s.book.Dead()) > 0 {
			t.Fatalf("dead letters: %v", s.book.Dead())
		}
	})
	t.Run("home is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, onWord("home", route.Rule{Home: "old"})))
		s.customer("home")
		without(s, "old")
		s.wantOwner("faq", 3)
		s.want("home", s.conv().Home, "faq")
	})
	t.Run("an observer is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "c", Copy: []string{"audit"}, Continue: true}))
		s.customer("hello")
		without(s, "audit")
		if l := s.book.Dead(); len(l) != 1 || l[0].Error != "unconfigured" || l[0].Delivery.Item.Pos.Seq == 0 {
			t.Fatalf("dead letters: %+v", l)
		}
		s.want("the original", s.fate("hello"), StatusQueued)
	})
	t.Run("messages to a channel that went away before reconciling", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.drain("faq")
		p := *s.policy
		p.Channels = map[string]*Channel{"web": s.policy.Channels["web"]}
		s.policy, s.unsettled = &p, true
		s.turn(func(t *Turn) { t.Inbound(s.inbound(say{channel: "web", thread: "w1", text: "lost?"})) })
		l := s.book.Dead()
		if len(l) != 1 || l[0].Delivery.Item.Pos.Seq == 0 || !l[0].Delivery.Follows || l[0].Delivery.Channel != "faq" {
			t.Fatalf("dead letters: %+v", l)
		}
	})
}

func TestThreadInUseStaysKnown(t *testing.T) {
	s := newStage(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"}), onWord("faq", route.Rule{Pass: "faq"}),
		onWord("night", route.Rule{Offer: route.NewOffer("night")})))
	s.customer("desk")
	flying := s.head("desk")
	s.customer("faq")
	s.result(flying, Outcome{Thread: "user-1"}) // too late: only recognised
	s.drain("desk")
	s.customer("desk")
	s.opened("desk", "user-1")
	for i := range maxFormer + 1 {
		s.customer("night")
		flying := s.head("night")
		s.wait(time.Minute)
		s.result(flying, Outcome{Thread: fmt.Sprint("night-", i)})
		s.drain("night")
	}
	s.want("thread in use", s.book.Find("desk", "user-1"), s.conv().ID)
	if n := len(s.conv().Former); n != maxFormer {
		t.Fatalf("%d former threads", n)
	}
	s.want("the oldest", s.book.Find("night", "night-0"), "")
	s.want("the newest", s.book.Find("night", fmt.Sprint("night-", maxFormer)), s.conv().ID)
}
