package conversation

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

// failed returns a rule for delivery_failed.
func failed(name, when string, change func(*route.Rule)) route.Rule {
	r := route.Rule{Name: name, Events: []route.Event{route.EventDeliveryFailed}, When: when}
	change(&r)
	return r
}

func passTo(channel string) func(*route.Rule) { return func(r *route.Rule) { r.Pass = channel } }

func offerTo(channel string) func(*route.Rule) {
	return func(r *route.Rule) { r.Offer = route.NewOffer(channel); r.Say = route.Say{Default: "One moment."} }
}

// fail gives up the delivery at the head of a lane.
func (h *harness) fail(channel string) state.Delivery {
	h.Helper()
	d := h.head(channel)
	h.outcome(d, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "no"})
	return d
}

// routed returns the names of the rules that matched in the last record.
func (h *harness) routed() string {
	var out []string
	for _, r := range lastChanges[*journal.Change_Routed](h) {
		out = append(out, r.Routed.GetRules()...)
	}
	return strings.Join(out, " ")
}

func (h *harness) wantLetters(n int) {
	h.Helper()
	if got := h.state.DeadLetterCount(); got != n {
		h.Fatalf("%d dead letters, want %d: %+v", got, n, h.state.DeadLetters())
	}
}

func TestDeliveryFailed(t *testing.T) {
	toOld := failed("to-old", `channel == "faq" && reason == "permanent"`, passTo("old"))
	begin := func(t *testing.T, rules ...route.Rule) *harness {
		h := newHarness(t, testPolicy(t, rules...))
		h.customer("hello")
		h.openThread("faq", "faq-1")
		return h
	}
	t.Run("the customer's words follow a move of control", func(t *testing.T) {
		h := begin(t, toOld)
		h.customer("more")
		h.fail("faq")
		h.wantOwner("old", 2)
		h.wantLetters(0)
		h.wantLines("to the other bot", h.drain("old"), "hello", "more")
		h.want("status", h.status("hello"), state.StatusDelivered)
	})
	t.Run("without a move or an offer the words are dead letters", func(t *testing.T) {
		h := begin(t, failed("sorry", "", func(r *route.Rule) { r.Say = route.Say{Default: "Please try again."} }))
		h.fail("faq")
		h.want("rules", h.routed(), "sorry")
		h.wantLetters(1)
		h.wantLines("to the customer", h.drain("web"), "Please try again.")
	})
	t.Run("the words wait for an offer and go to its target", func(t *testing.T) {
		h := begin(t, failed("call", "", offerTo("desk")))
		h.customer("more")
		h.fail("faq")
		h.wantLetters(0)
		h.want("status", h.status("hello")+" "+h.status("more"), "held held")
		h.wantLines("to the customer", h.drain("web"), "One moment.")
		d := h.head("desk")
		h.outcome(d, attempt.Outcome{Thread: "desk-1", Accepted: true})
		h.wantOwner("desk", 2)
		h.wantLines("to the desk", h.queue("desk"), "hello", "more")
	})
	t.Run("the words wait for an offer without hold too, and are not overtaken", func(t *testing.T) {
		h := begin(t, failed("call", "", func(r *route.Rule) { offerTo("desk")(r); r.Offer.Hold = false }))
		h.fail("faq")
		h.customer("later")
		h.want("status", h.status("hello")+" "+h.status("later"), "held held")
		h.advance(time.Minute)
		h.wantLines("to the bot", h.queue("faq"), "hello", "later")
	})
	t.Run("after a failed offer the words go to the owner, and rules do not run again", func(t *testing.T) {
		h := begin(t, failed("call", "", offerTo("desk")))
		h.fail("faq")
		h.advance(time.Minute)
		h.wantLines("to the bot", h.queue("faq"), "hello")
		h.fail("faq")
		h.want("rules", h.routed(), "")
		h.wantLetters(1)
		h.customer("again")
		h.fail("faq")
		h.want("rules for another message", h.routed(), "call")
	})
	t.Run("an offer that cannot be made leaves dead letters", func(t *testing.T) {
		h := begin(t, failed("call", "", offerTo("desk")))
		h.policy.Reachable = func(string, time.Duration) bool { return false }
		h.fail("faq")
		h.wantLetters(1)
	})
	t.Run("the next channel may fail too", func(t *testing.T) {
		h := begin(t, toOld, failed("to-night", `channel == "old"`, passTo("night")))
		h.fail("faq")
		h.fail("old")
		h.wantOwner("night", 3)
		h.wantLetters(0)
		h.wantLines("to the desk", h.drain("night"), "open", "hello")
	})
	t.Run("an owner's message", func(t *testing.T) {
		h := begin(t, failed("unreached", `channel == "web" && role == "customer"`, passTo("old")))
		h.drain("faq")
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "answer"})
		h.fail("web")
		h.want("rules", h.routed(), "unreached")
		h.wantOwner("old", 2)
		h.wantLetters(1)
		h.want("status", h.status("answer"), state.StatusDead)
	})
	t.Run("reason is the code of declined", func(t *testing.T) {
		h := begin(t, failed("desk-closed", `reason == "outside_hours"`, passTo("old")))
		d := h.head("faq")
		h.outcome(d, attempt.Outcome{Result: attempt.ResultDeclined, Error: "declined", Reason: "outside_hours"})
		h.want("rules", h.routed(), "desk-closed")
	})
	t.Run("a rule that closes leaves the dead letter", func(t *testing.T) {
		h := begin(t, failed("end", "", func(r *route.Rule) { r.Close = true }))
		h.fail("faq")
		h.wantLetters(1)
		h.want("closed by", h.conv().Closing, "end")
	})
}

func TestDeliveryFailedRunsOnceForAllPiecesOfAMessage(t *testing.T) {
	begin := func(t *testing.T, change func(*route.Rule)) *harness {
		p := testPolicy(t, failed("outage", "", change))
		p.Owner = "old"
		h := newHarness(t, p)
		h.customer(strings.Repeat("many words ", 12))
		return h
	}
	t.Run("dead letters", func(t *testing.T) {
		h := begin(t, func(r *route.Rule) { r.Say = route.Say{Default: "Sorry."} })
		h.fail("old")
		h.want("rules for the first piece", h.routed(), "outage")
		h.fail("old")
		h.want("rules for the second piece", h.routed(), "")
		h.wantLetters(2)
	})
	t.Run("the message follows as a whole, once", func(t *testing.T) {
		h := begin(t, passTo("faq"))
		h.fail("old")
		h.wantLetters(0)
		h.wantLines("to the new owner", h.drain("faq"), "open", "many words many word…")
	})
	t.Run("the message waits for an offer as a whole, once", func(t *testing.T) {
		h := begin(t, offerTo("night"))
		h.fail("old")
		h.wantLetters(0)
		h.wantLines("to the old owner", h.queue("old"))
		h.advance(time.Minute)
		if q := h.queue("old"); len(q) != 3 || !strings.Contains(q[0], "1/3") {
			t.Fatalf("after the offer: %v", q)
		}
	})
}

func TestDeliveryFailedRunsOnceForAnOpenWithItsMessages(t *testing.T) {
	begin := func(t *testing.T, change func(*route.Rule)) *harness {
		h := newHarness(t, testPolicy(t, failed("outage", "", change)))
		h.customer("one")
		h.customer("two")
		return h
	}
	t.Run("moved", func(t *testing.T) {
		h := begin(t, passTo("old"))
		h.fail("faq")
		h.want("rules", h.routed(), "outage")
		h.wantLetters(0)
		h.wantLines("to the other bot", h.drain("old"), "one", "two")
	})
	t.Run("offered", func(t *testing.T) {
		h := begin(t, offerTo("desk"))
		h.fail("faq")
		h.want("status", h.status("one")+" "+h.status("two"), "held held")
		h.advance(time.Minute)
		h.wantLines("to the bot after the offer", h.queue("faq"), "open", "one", "two")
		h.fail("faq")
		h.want("rules", h.routed(), "")
		h.wantLetters(1)
	})
	t.Run("without messages", func(t *testing.T) {
		h := newHarness(t, testPolicy(t,
			route.Rule{Name: "p", From: []string{"customer"}, When: `text == "desk"`, Pass: "desk", Drop: true},
			failed("outage", "", passTo("old"))))
		h.customer("hello")
		h.drain("faq")
		h.customer("desk")
		h.fail("desk")
		h.want("rules", h.routed(), "")
		h.wantLetters(1)
	})
}

// A failed notice, transcript, copy or offer must not cause another notice.
func TestDeliveryFailedRunsForMessagesOfCustomersAndOwnersOnly(t *testing.T) {
	h := newHarness(t, testPolicy(t,
		route.Rule{Name: "copy", Copy: []string{"audit"}, Continue: true},
		route.Rule{
			Name: "call", From: []string{"customer"}, When: `text == "call"`, Offer: route.NewOffer("desk"),
			Say: route.Say{Default: "One moment."},
		},
		route.Rule{Name: "move", From: []string{"customer"}, When: `text == "move"`, Pass: "desk"},
		failed("loop", "", func(r *route.Rule) { r.Say = route.Say{Default: "Sorry."} })))
	h.customer("hello")
	h.drain("faq")
	for _, step := range []struct{ text, channel, kind string }{
		{"call", "desk", "ask"}, {"", "web", "One moment."}, {"", "audit", "hello"}, {"move", "desk", "open"},
		{"", "desk", "transcript [hello]"}, {"", "web", "passed agent rule"},
	} {
		if step.text != "" {
			h.customer(step.text)
		}
		d := h.head(step.channel)
		if got := h.line(&d); got != step.kind {
			t.Fatalf("head of %s is %s, want %s", step.channel, got, step.kind)
		}
		if step.kind == "open" {
			h.openThread("desk", "desk-1")
			continue
		}
		h.fail(step.channel)
		h.want("rules for "+step.kind, h.routed(), "")
	}
}

func TestBlockedLane(t *testing.T) {
	begin := func(t *testing.T, rules ...route.Rule) (*harness, string) {
		h := newHarness(t, testPolicy(t, rules...))
		h.policy.Channels["faq"].Block, h.policy.Channels["web"].Block = true, true
		h.customer("one")
		h.openThread("faq", "faq-1")
		h.customer("two")
		d := h.fail("faq")
		h.customer("three")
		h.wantLetters(1)
		h.want("blocked at", h.conv().Blocked["faq"], d.ID)
		return h, d.ID
	}
	t.Run("replay sends the letter first", func(t *testing.T) {
		h, id := begin(t)
		h.transact(func(tx *Transaction) {
			if status, _, err := tx.ReplayDeadLetter(id); err != nil || status != state.StatusReplayed {
				t.Errorf("replay: %s, %v", status, err)
			}
		})
		h.want("blocked at", h.conv().Blocked["faq"], "")
		h.wantLines("to the bot", h.drain("faq"), "one", "two", "three")
	})
	t.Run("drop lets the lane continue", func(t *testing.T) {
		h, id := begin(t)
		h.transact(func(tx *Transaction) {
			if err := tx.DropDeadLetter(id); err != nil {
				t.Error(err)
			}
		})
		h.want("blocked at", h.conv().Blocked["faq"], "")
		h.wantLines("to the bot", h.drain("faq"), "two", "three")
	})
	t.Run("a move of control takes the words along", func(t *testing.T) {
		h, _ := begin(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"})
		h.customer("old")
		h.wantLetters(0)
		h.wantLines("to the other bot", h.drain("old"), "one", "two", "three", "old")
	})
	t.Run("a close ends it, and the letter stays", func(t *testing.T) {
		h, _ := begin(t, route.Rule{Name: "bye", From: []string{"customer"}, When: `text == "bye"`, Close: true})
		h.customer("bye")
		h.want("blocked at", h.conv().Blocked["faq"], "")
		h.wantLetters(1)
		h.wantLines("to the bot", h.queue("faq"), "two", "three", "bye")
	})
	t.Run("the letter of an open holds its messages", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.policy.Channels["faq"].Block = true
		h.customer("one")
		id := h.fail("faq").ID
		h.customer("two")
		h.transact(func(tx *Transaction) {
			if _, _, err := tx.ReplayDeadLetter(id); err != nil {
				t.Error(err)
			}
		})
		h.want("status", h.status("one"), state.StatusQueued)
		lines := h.drain("faq")
		h.wantLines("to the bot", lines, "open", "one", "two [one]")
	})
	t.Run("an answer to the customer", func(t *testing.T) {
		h, _ := begin(t)
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "answer"})
		d := h.fail("web")
		h.want("blocked at", h.conv().Blocked["web"], d.ID)
		h.wantLetters(2)
	})
}

func TestHistoryFollowsAFailedOffer(t *testing.T) {
	p := testPolicy(t, failed("call", "", offerTo("desk")), onWord("faq", route.Rule{Pass: "faq"}))
	p.Owner = "old"
	h := newHarness(t, p)
	h.customer("first")
	h.drain("old")
	h.customer("faq")
	h.openThread("faq", "faq-1")
	h.wantLines("to the bot", h.queue("faq"), "faq [first]")
	h.fail("faq")
	h.advance(time.Minute)
	h.wantLines("to the bot after the offer", h.queue("faq"), "faq [first]")
}
