package conversation

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// timerRule returns a rule for a timer that sends its name as a notice.
func timerRule(e route.Event, d time.Duration, name string, r route.Rule) route.Rule {
	r.Name, r.Events, r.After, r.Say = name, []route.Event{e}, d, route.Say{Default: name}
	return r
}

// timerHarness returns a harness with timers that send their names as notices, and with rules for the customer's texts.
func timerHarness(t *testing.T, rules ...route.Rule) *harness {
	t.Helper()
	loose := route.NewOffer("night")
	loose.Hold = false
	p := testPolicy(t, append(rules,
		timerRule(route.EventUnanswered, 30*time.Second, "u30", route.Rule{}),
		timerRule(route.EventUnanswered, 2*time.Minute, "u120", route.Rule{}),
		timerRule(route.EventIdle, time.Minute, "i60", route.Rule{}),
		timerRule(route.EventIdle, 5*time.Minute, "i300", route.Rule{}),
		onWord("human", route.Rule{Offer: route.NewOffer("desk")}),
		onWord("loose", route.Rule{Offer: loose}),
		onWord("old", route.Rule{Pass: "old"}),
		onWord("spam", route.Rule{Drop: true}),
		route.Rule{Name: "unsuitable", From: []string{"faq"}, When: `text == "rude"`, Drop: true},
		route.Rule{Name: "note", From: []string{"faq"}, When: `text == "note"`, To: route.ToOwner},
		route.Rule{Name: "calls", From: []string{"faq"}, When: `text == "calling"`, Offer: route.NewOffer("desk")},
	)...)
	p.Channels["web"].Events = events(envelope.KindTyping, envelope.KindClosed)
	return newHarness(t, p)
}

// bot sends a message of the bot on its thread.
func (h *harness) bot(m incoming) {
	h.Helper()
	m.channel, m.thread = "faq", h.conv().Threads["faq"].ID
	h.receive(m)
}

// timerNotices advances the time. It returns the notices of timers that the customer gets, with the second of each.
func (h *harness) timerNotices(d time.Duration) string {
	h.Helper()
	var out []string
	for i := range int(d / time.Second) {
		h.advance(time.Second)
		for _, line := range h.drain("web") {
			if line[0] == 'u' || line[0] == 'i' {
				out = append(out, line+"@"+(time.Duration(i+1)*time.Second).String())
			}
		}
	}
	return strings.Join(out, " ")
}

// answeredHarness returns a harness with a conversation without an unanswered message.
func answeredHarness(t *testing.T, rules ...route.Rule) *harness {
	t.Helper()
	h := timerHarness(t, rules...)
	h.customer("hello")
	h.drain("faq")
	h.bot(incoming{text: "good day"})
	h.drain("web")
	return h
}

func TestOneClockRuns(t *testing.T) {
	t.Run("unanswered while a message has no answer", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		h.want("notices", h.timerNotices(10*time.Minute), "u30@30s u120@2m0s")
	})
	t.Run("otherwise idle", func(t *testing.T) {
		h := answeredHarness(t)
		h.want("notices", h.timerNotices(10*time.Minute), "i60@1m0s i300@5m0s")
	})
	t.Run("idle after the answer", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		h.want("before the answer", h.timerNotices(40*time.Second), "u30@30s")
		h.bot(incoming{text: "good day"})
		h.want("after the answer", h.timerNotices(2*time.Minute), "i60@1m0s")
	})
	t.Run("unanswered after the next message", func(t *testing.T) {
		h := answeredHarness(t)
		h.want("before the message", h.timerNotices(70*time.Second), "i60@1m0s")
		h.customer("hello?")
		h.drain("faq")
		h.want("after the message", h.timerNotices(time.Minute), "u30@30s")
		h.bot(incoming{text: "yes?"})
		h.want("after the answer", h.timerNotices(2*time.Minute), "i60@1m0s")
	})
}

func TestClockStopsDuringOfferWithHold(t *testing.T) {
	t.Run("of unanswered", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("human")
		h.openThread("desk", "d1")
		h.want("notices until the offer expires", h.timerNotices(60*time.Second), "")
		h.want("notices after it", h.timerNotices(time.Minute), "u30@30s")
	})
	t.Run("of idle", func(t *testing.T) {
		h := answeredHarness(t)
		h.want("notices before the offer", h.timerNotices(50*time.Second), "")
		h.bot(incoming{text: "calling"})
		h.want("notices until the offer expires", h.timerNotices(59*time.Second), "")
		h.want("notices after it", h.timerNotices(2*time.Minute), "i60@1s")
	})
	t.Run("not without hold", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("loose")
		h.drain("faq")
		h.openThread("night", "n1")
		h.want("notices", h.timerNotices(50*time.Second), "u30@30s")
	})
	t.Run("not during the departure of the owner", func(t *testing.T) {
		h := atDeskHarness(t, timerRule(route.EventUnanswered, time.Second, "u1", route.Rule{}))
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected, sent: h.now})
		if at, _ := NextTimer(h.conv(), h.policy); !at.IsZero() {
			t.Errorf("timer at %v", at)
		}
		h.want("notices", h.timerNotices(2*time.Second), "")
		h.wantOwner("faq", 3)
		h.want("notices of the next owner", h.timerNotices(time.Second), "u1@1s")
	})
}

func TestTimerRunsRulesWithItsAfterOnce(t *testing.T) {
	first := timerRule(route.EventUnanswered, 30*time.Second, "u-first", route.Rule{})
	gold := timerRule(route.EventUnanswered, 30*time.Second, "u-gold", route.Rule{When: `attr("tier") == "gold"`})
	t.Run("in file order", func(t *testing.T) {
		h := timerHarness(t, gold, first)
		h.customer("hello")
		h.drain("faq")
		h.want("notices", h.timerNotices(time.Minute), "u-first@30s")
	})
	t.Run("all are done, whether one matched or not", func(t *testing.T) {
		p := testPolicy(t, gold, onWord("gold", route.Rule{Set: map[string]string{"tier": "gold"}}))
		h := newHarness(t, p)
		h.customer("hello")
		h.drain("faq")
		h.advance(30 * time.Second)
		h.customer("gold")
		h.want("notices", h.timerNotices(time.Minute), "")
	})
	t.Run("only rules for the owner's channel", func(t *testing.T) {
		h := timerHarness(t, timerRule(route.EventUnanswered, 10*time.Second, "u10", route.Rule{From: []string{"desk"}}))
		h.customer("hello")
		h.drain("faq")
		h.want("notices", h.timerNotices(time.Minute), "u30@30s")
		h.customer("human")
		h.openThread("desk", "d1")
		h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindConnected})
		h.want("notices at the desk", h.timerNotices(time.Minute), "u10@10s u30@30s")
	})
	t.Run("silence is the whole wait", func(t *testing.T) {
		long := route.Rule{When: `silence == duration("70s")`}
		h := timerHarness(t, timerRule(route.EventUnanswered, 30*time.Second, "u-long", long))
		h.customer("hello")
		h.drain("faq")
		h.want("notices of the first owner", h.timerNotices(40*time.Second), "u30@30s")
		h.customer("old")
		h.want("notices of the second owner", h.timerNotices(time.Minute), "u-long@30s")
	})
}

func TestTimersRunAgain(t *testing.T) {
	t.Run("after a change of owner", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		h.want("notices", h.timerNotices(40*time.Second), "u30@30s")
		h.customer("old")
		h.want("notices of the next owner", h.timerNotices(3*time.Minute), "u30@30s u120@2m0s")
	})
	t.Run("of idle, after a change of owner", func(t *testing.T) {
		h := answeredHarness(t, timerRule(route.EventIdle, 2*time.Minute, "i120", route.Rule{Pass: "old"}))
		h.want("notices", h.timerNotices(4*time.Minute), "i60@1m0s i120@2m0s i60@3m0s")
		h.wantOwner("old", 2)
	})
	t.Run("not after a failed offer", func(t *testing.T) {
		offer := route.Rule{Offer: route.NewOffer("desk")}
		h := timerHarness(t, timerRule(route.EventUnanswered, 10*time.Second, "u10", offer))
		h.customer("hello")
		h.drain("faq")
		h.want("notices", h.timerNotices(5*time.Minute), "u10@10s u30@1m40s u120@3m10s")
	})
	t.Run("not after another message of the customer", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		h.want("notices", h.timerNotices(40*time.Second), "u30@30s")
		h.customer("anybody?")
		h.want("notices after it", h.timerNotices(3*time.Minute), "u120@1m20s")
	})
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		m    incoming
		ends bool
	}{
		"a message of the owner":            {incoming{text: "good day"}, true},
		"a message that a rule drops":       {incoming{text: "rude"}, false},
		"a message that a rule sends back":  {incoming{text: "note"}, false},
		"a notice of the vendor":            {incoming{text: "please wait", role: envelope.RoleSystem}, false},
		"a typing indicator":                {incoming{kind: envelope.KindTyping}, false},
		"a read receipt":                    {incoming{kind: envelope.KindRead}, false},
		"a message with nothing to be seen": {incoming{text: " "}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := timerHarness(t)
			h.customer("hello")
			h.drain("faq")
			h.advance(10 * time.Second)
			h.bot(tc.m)
			if got := h.conv().UnansweredSince.IsZero(); got != tc.ends {
				t.Errorf("the wait has ended: %v, want %v", got, tc.ends)
			}
		})
	}
	t.Run("a fenced message", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		former := h.conv().Threads["faq"].ID
		h.customer("old")
		h.receive(incoming{channel: "faq", thread: former, text: "good day"})
		h.want("notices", h.timerNotices(time.Minute), "u30@30s")
	})
	t.Run("counts when it is accepted", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		h.bot(incoming{text: "good day"})
		h.want("status of the answer", h.status("good day"), state.StatusQueued)
		if !h.conv().UnansweredSince.IsZero() {
			t.Error("the customer still waits")
		}
	})
	t.Run("a notice of a rule", func(t *testing.T) {
		h := timerHarness(t, onWord("hi", route.Rule{Say: route.Say{Default: "Hi."}}))
		h.customer("hi")
		h.drain("faq")
		h.want("notices", h.timerNotices(time.Minute), "u30@30s")
	})
	t.Run("a dropped message of the customer needs none", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("spam")
		h.want("notices", h.timerNotices(2*time.Minute), "i60@1m0s")
	})
	t.Run("a handover request with earlier messages needs one", func(t *testing.T) {
		h := timerHarness(t)
		h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindHandoverRequested, text: "what was said before"})
		h.want("notices", h.timerNotices(time.Minute), "u30@30s")
	})
	t.Run("a message of a closed conversation needs one in the next", func(t *testing.T) {
		h := closeHarness(t)
		h.customer("desk")
		h.openThread("desk", "d1")
		inFlight := h.head("desk")
		h.customer("bye")
		h.advance(time.Second)
		h.outcome(inFlight, attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		if c := h.conv(); !c.UnansweredSince.Equal(h.now) {
			t.Errorf("unanswered since %v, want %v", c.UnansweredSince, h.now)
		}
	})
}

func TestUnansweredStartsAtTheLatest(t *testing.T) {
	t.Run("of the oldest message, also while it is queued", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.advance(20 * time.Second)
		h.customer("hello?")
		h.want("notices", h.timerNotices(time.Minute), "u30@10s")
	})
	t.Run("of the owner's epoch", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("hello")
		h.drain("faq")
		h.advance(20 * time.Second)
		h.customer("old")
		h.want("notices", h.timerNotices(time.Minute), "u30@30s")
	})
	t.Run("of the last offer's end", func(t *testing.T) {
		h := timerHarness(t)
		h.customer("loose")
		h.drain("faq")
		h.openThread("night", "n1")
		h.advance(20 * time.Second)
		h.receive(incoming{channel: "night", thread: "n1", kind: envelope.KindDisconnected})
		h.want("notices", h.timerNotices(time.Minute), "u30@30s")
	})
	t.Run("offers that could not be made have no end", func(t *testing.T) {
		h := timerHarness(t)
		h.policy.Reachable = func(string, time.Duration) bool { return false }
		h.customer("hello")
		h.drain("faq")
		h.advance(20 * time.Second)
		h.customer("loose")
		h.want("notices", h.timerNotices(time.Minute), "u30@10s")
	})
}

func TestIdleStartsWithTheLastMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		m    incoming
		want string
	}{
		"of the owner":                    {incoming{channel: "faq", text: "anything else?"}, "i60@1m0s"},
		"of the customer, also a dropped": {incoming{channel: "web", thread: "w1", text: "spam"}, "i60@1m0s"},
		"not with typing":                 {incoming{channel: "web", thread: "w1", kind: envelope.KindTyping}, "i60@40s"},
		"not with a receipt":              {incoming{channel: "web", thread: "w1", kind: envelope.KindRead}, "i60@40s"},
		"not with a vendor's notice":      {incoming{channel: "faq", text: "please wait", role: envelope.RoleSystem}, "i60@40s"},
		"not with a fenced message":       {incoming{channel: "old", thread: "o1", text: "hello"}, "i60@40s"},
	} {
		t.Run(name, func(t *testing.T) {
			h := answeredHarness(t)
			h.transact(func(tx *Transaction) {
				c := tx.layer.Mutable(h.conv().ID)
				tx.add(c.ID, &journal.Change_Linked{Linked: &journal.Linked{Channel: "old", Thread: "o1", Epoch: 1}})
			})
			h.advance(20 * time.Second)
			if tc.m.channel == "faq" {
				tc.m.thread = h.conv().Threads["faq"].ID
			}
			h.receive(tc.m)
			h.want("notices", h.timerNotices(90*time.Second), tc.want)
		})
	}
}

func TestCloseAfter(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("hello")
	if at, _ := NextTimer(h.conv(), h.policy); !at.IsZero() {
		t.Fatalf("a conversation with undelivered messages closes at %v", at)
	}
	h.drain("faq")
	at, _ := NextTimer(h.conv(), h.policy)
	if want := h.now.Add(h.policy.CloseAfter); !at.Equal(want) {
		t.Fatalf("closes at %v, want %v", at, want)
	}
	h.advance(h.policy.CloseAfter - 1)
	h.want("closed by", h.conv().Closing, "")
	h.advance(1)
	h.want("closed by", h.conv().Closing, state.ReasonCloseAfter)
	h.advance(closedRetention - time.Second)
	if h.state.Len() != 1 {
		t.Fatal("removed early")
	}
	h.advance(time.Second)
	if h.state.Len() != 0 {
		t.Fatal("the conversation is still there")
	}
	for th := range h.threads {
		if id := h.state.Find(th.channel, th.thread); id != "" {
			t.Fatalf("thread %v still leads to %s", th, id)
		}
	}
	h.customer("hello again")
	h.wantOwner("faq", 1)
}

func TestCloseAfterWaits(t *testing.T) {
	h := answeredHarness(t)
	h.policy.CloseAfter = 10 * time.Minute
	started := h.now
	closed := func() bool { return h.conv().Closing != "" }
	t.Run("not for typing", func(t *testing.T) {
		h.timerNotices(9 * time.Minute)
		h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
		h.drain("web")
		if at, _ := NextTimer(h.conv(), h.policy); !at.Equal(started.Add(10 * time.Minute)) {
			t.Errorf("closes at %v", at)
		}
	})
	t.Run("for an offer", func(t *testing.T) {
		h.bot(incoming{text: "calling"})
		h.drain("web")
		h.openThread("desk", "d1")
		h.policy.CloseAfter = 30 * time.Second
		h.advance(59 * time.Second)
		if closed() {
			t.Error("closed during the offer")
		}
		h.policy.CloseAfter = 10 * time.Minute
		h.advance(time.Second)
	})
	t.Run("for a delivery", func(t *testing.T) {
		h.drain("web")
		h.advance(10 * time.Minute)
		if closed() {
			t.Error("closed before the desk was told that the offer has ended")
		}
	})
	t.Run("not for a copy", func(t *testing.T) {
		h.drain("desk")
		h.drain("web")
		h.transact(func(tx *Transaction) {
			c := tx.layer.Mutable(h.conv().ID)
			tx.queue(c, &journal.Delivery{Channel: "audit", Kind: state.KindSend, Copy: true, Item: c.History[0].Proto()})
		})
		h.advance(0)
		if !closed() {
			t.Error("not closed")
		}
	})
}

func TestClosedRulesRunLast(t *testing.T) {
	closed := []route.Event{route.EventClosed}
	say := func(name, reason string) route.Rule {
		return route.Rule{Name: name, Events: closed, When: `reason == "` + reason + `"`, Say: route.Say{Default: name}}
	}
	rules := []route.Rule{
		say("by-rule", "bye"), say("by-time", state.ReasonCloseAfter), say("by-operator", state.ReasonOperator),
		{Name: "back", Events: []route.Event{route.EventPassed}, From: []string{"faq"}, Say: route.Say{Default: "Back."}},
	}
	t.Run("after a rule", func(t *testing.T) {
		h := closeHarness(t, rules...)
		h.customer("bye")
		h.wantLines("to the customer", h.customerGets(), "Good bye.", "by-rule", "closed")
	})
	t.Run("after the events of the rule", func(t *testing.T) {
		h := closeHarness(t, append(rules, route.Rule{
			Name: "agent-left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("night"),
		})...)
		h.customer("desk")
		h.drain("web")
		h.openThread("desk", "d1")
		h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindDisconnected})
		h.customer("bye") // the offer is withdrawn, and control goes home
		h.wantOwner("faq", 3)
		got := h.customerGets()
		h.wantLines("to the customer", got[len(got)-4:], "Good bye.", "Back.", "by-rule", "closed")
	})
	t.Run("after close_after", func(t *testing.T) {
		h := closeHarness(t, rules...)
		h.customer("hi")
		h.drain("faq")
		h.advance(h.policy.CloseAfter)
		h.wantLines("to the customer", h.customerGets(), "by-time", "closed")
		h.wantLines("to the bot", h.drain("faq"), "closed close_after")
	})
	t.Run("after a command", func(t *testing.T) {
		h := closeHarness(t, rules...)
		h.customer("hi")
		h.drain("faq")
		h.mustCommand("close", "")
		h.wantLines("to the customer", h.customerGets(), "by-operator", "closed")
	})
	t.Run("also if the rule has matched before", func(t *testing.T) {
		h := closeHarness(t, route.Rule{
			Name: "twice", Events: []route.Event{route.EventPassed, route.EventClosed}, Say: route.Say{Default: "Twice."},
		}, route.Rule{Name: "out", Events: []route.Event{route.EventUnanswered}, After: time.Minute, Close: true})
		h.customer("desk")
		h.drain("desk")
		h.drain("web")
		h.advance(time.Minute)
		h.wantLines("to the customer", h.customerGets(), "Twice.", "closed")
	})
}

// customerGets makes the deliveries to the customer succeed and returns them, without the reasons of closing events.
func (h *harness) customerGets() []string {
	h.Helper()
	lines := h.drain("web")
	for i, l := range lines {
		if strings.HasPrefix(l, "closed ") {
			lines[i] = "closed"
		}
	}
	return lines
}

// The bot's answer moves control to the desk while the bot has not received the customer's newest message.
func TestMessagesAfterAnAnswerNeedAnAnswer(t *testing.T) {
	h := newHarness(t, testPolicy(t,
		route.Rule{Name: "goodbye", From: []string{"faq"}, Pass: "desk"},
		timerRule(route.EventUnanswered, 30*time.Second, "u30", route.Rule{}),
	))
	h.customer("one")
	h.drain("faq")
	h.customer("two")
	h.bot(incoming{text: "goodbye"})
	h.wantOwner("desk", 2)
	h.want("notices", h.timerNotices(time.Minute), "u30@30s")
}
