package conversation

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// copies delivers the copies in the observer's lane. It returns a line with the rule, the decision and the envelope for
// each copy.
func (h *harness) copies() []string {
	h.Helper()
	var out []string
	for h.conv().Lane("audit") != nil {
		d := h.head("audit")
		if !d.Copy {
			h.Fatalf("a delivery to the observer is not marked as a copy: %s", h.line(&d))
		}
		decision := strings.TrimSpace(d.Decision.Status + " " + d.Decision.Channel)
		out = append(out, strings.TrimSpace(d.Reason+": "+decision)+": "+h.line(&d))
		h.outcome(d, attempt.Outcome{})
	}
	return out
}

func auditAll(kinds ...route.Event) route.Rule {
	return route.Rule{Name: "audit", Events: kinds, Copy: []string{"audit"}, Continue: true}
}

func TestCopyContainsTheDecision(t *testing.T) {
	h := newHarness(t, testPolicy(t, auditAll(route.EventMessage),
		onWord("spam", route.Rule{Drop: true}),
		onWord("old", route.Rule{Pass: "old"}),
		onWord("human", route.Rule{Offer: route.NewOffer("desk")}),
		route.Rule{Name: "aside", From: []string{"bot"}, When: `text == "note"`, To: route.ToOwner},
		route.Rule{Name: "mirror", When: `text == "mirror"`, To: route.ToCustomer},
	))
	for _, text := range []string{"hello", "spam", "mirror", "old"} {
		h.customer(text)
	}
	thread := h.conv().CustomerID()
	h.receive(incoming{channel: "old", thread: thread, text: "answer"})
	h.receive(incoming{channel: "old", thread: thread, text: "note"})
	h.customer("human")
	h.wantLines("copies", h.copies(), "audit: sent faq: hello", "audit: dropped: spam", "audit: unrouted: mirror",
		"audit: sent old: old", "audit: sent web: answer", "audit: unrouted: note", "audit: held: human")
}

func TestCopyOfADepartureThatNoEnvelopeReports(t *testing.T) {
	p := testPolicy(t, auditAll(route.EventDisconnected), onWord("desk", route.Rule{Pass: "desk"}))
	p.Channels["audit"].Events = events(envelope.KindDisconnected)
	h := newHarness(t, p)
	h.customer("desk")
	h.openThread("desk", "desk-1")
	h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultGone})
	e := h.model.envelopes[h.head("audit").Item.Pos]
	want := map[string]string{"channel": "desk", "reason": "gone"}
	if e.Kind != envelope.KindDisconnected || !maps.Equal(e.Attributes, want) {
		t.Errorf("copy of a %s with %v, want disconnected with %v", e.Kind, e.Attributes, want)
	}
}

func TestCopyOfEvents(t *testing.T) {
	rules := []route.Rule{auditAll(route.EventMessage), onWord("human", route.Rule{Offer: route.NewOffer("desk")})}
	for _, e := range []route.Event{ // a rule for each, because a rule matches once within an input
		route.EventConnected, route.EventDisconnected, route.EventHandoverRequested, route.EventPassed, route.EventClosed,
	} {
		r := auditAll(e)
		r.Name = "on-" + strings.ReplaceAll(string(e), "_", "-")
		rules = append(rules, r)
	}
	p := testPolicy(t, rules...)
	p.Channels["audit"].Events = events(envelope.KindConnected, envelope.KindDisconnected,
		envelope.KindHandoverRequested, envelope.KindPassed, envelope.KindClosed)
	h := newHarness(t, p)
	h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindHandoverRequested, text: "earlier"})
	h.customer("human")
	h.openThread("desk", "desk-1")
	h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
	h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected, reason: "agent_left"})
	h.wantLines("copies", h.copies(), "on-handover-requested:: handover_requested", "audit: held: human",
		"on-passed:: passed desk agent human", "on-connected:: connected", "on-disconnected:: disconnected agent_left",
		"on-passed:: passed faq bot disconnected")
	for _, channel := range []string{"faq", "web", "desk"} {
		h.drain(channel)
	}
	h.advance(h.policy.CloseAfter)
	h.wantLines("copies", h.copies(), "on-closed:: closed close_after")
}

func TestCopiesDelayNoClose(t *testing.T) {
	h := newHarness(t, testPolicy(t, auditAll(route.EventMessage)))
	h.customer("hello")
	h.drain("faq")
	h.advance(h.policy.CloseAfter)
	h.want("closed by", h.conv().Closing, state.ReasonCloseAfter)
	h.wantLines("copies", h.copies(), "audit: sent faq: hello")
}

func TestObserverGetsOnlyTheKindsThatItTakesAndNoClosingEvent(t *testing.T) {
	p := testPolicy(t, auditAll(route.EventMessage, route.EventPassed), onWord("old", route.Rule{Pass: "old"}),
		onWord("bye", route.Rule{Close: true}))
	p.Channels["audit"].Events = events(envelope.KindClosed)
	h := newHarness(t, p)
	h.customer("old")
	h.customer("bye")
	h.wantLines("copies", h.copies(), "audit: sent old: old", "audit: sent old: bye")
}

func TestObserverThatOpensThreads(t *testing.T) {
	p := testPolicy(t, auditAll(route.EventMessage))
	p.Channels["audit"].Opens = true
	h := newHarness(t, p)
	h.customer("one")
	h.customer("two")
	h.want("undelivered", fmt.Sprint(h.conv().Undelivered()), "3") // to the bot: open, one, two
	h.fail("audit")
	if l := h.state.DeadLetters(); len(l) != 1 || !l[0].Delivery.Copy || l[0].MessageCount() != 2 {
		t.Fatalf("dead letters %+v, want one copy with two messages", l)
	}
	h.want("the original", h.status("one"), state.StatusQueued)
}

func TestAtMost100CopiesWaitThenTheOldestIsGivenUp(t *testing.T) {
	h := newHarness(t, testPolicy(t, auditAll(route.EventMessage)))
	for i := range maxCopies + 2 {
		h.customer(fmt.Sprint("text ", i))
		h.drain("faq")
	}
	if q := h.queue("audit"); len(q) != maxCopies || q[0] != "text 2" {
		t.Fatalf("%d copies wait, the first is %s", len(q), q[0])
	}
	l := h.state.DeadLetters()
	if len(l) != 2 || l[0].Error != errorOverflow || h.text(l[0].Delivery.Item.Pos) != "text 0" {
		t.Fatalf("dead letters %+v", l)
	}
	h.want("undelivered", fmt.Sprint(h.conv().Undelivered()), "0")
	h.want("the original", h.status("text 0"), state.StatusDelivered)
}

func TestObserverThatIsDownBlocksNoMessage(t *testing.T) {
	p := testPolicy(t)
	other := *p.Channels["audit"]
	other.Name = "other"
	p.Channels["other"] = &other
	p.Routes = compileRules(t, p, []route.Rule{{Name: "c", Copy: []string{"audit", "other"}, Continue: true}})
	h := newHarness(t, p)
	h.inOneRecord(func() {
		for i := range MaxUndelivered - 1 {
			h.transact(func(tx *Transaction) {
				if v := tx.Receive(h.inbound(incoming{channel: "web", thread: "w1", text: fmt.Sprint(i)})); v != VerdictAccepted {
					t.Errorf("message %d: verdict %v", i, v)
				}
			})
		}
	})
	h.want("undelivered", fmt.Sprint(h.conv().Undelivered()), fmt.Sprint(MaxUndelivered)) // with the open
}

// This test does not use the harness, because a comparison of whole states after each record would take too long.
func TestDeadLettersOfCopiesHaveASeparateLimit(t *testing.T) {
	b, ids, now := state.New(), 0, midnight
	p := testPolicy(t, auditAll(route.EventMessage))
	transact := func(f func(*Transaction)) {
		now = now.Add(time.Second)
		tx := Begin(b, p, now, 1, func() string { ids++; return fmt.Sprintf("id-%06d", ids) })
		f(tx)
		tx.Commit()
	}
	in := func(text string) *incoming { return &incoming{channel: "web", thread: "w1", text: text} }
	h := &harness{tester: t, policy: p}
	transact(func(tx *Transaction) { tx.KeepUndecided(h.inbound(*in("of a customer")), "odd") })
	for i := range MaxDeadCopies + 1 + maxCopies {
		transact(func(tx *Transaction) {
			tx.Receive(h.inbound(*in(fmt.Sprint(i))))
			c := tx.layer.Mutable(tx.layer.Find("web", "w1"))
			for _, d := range queueOf(c, "faq") {
				tx.endDelivery(c, &d, state.StatusDelivered, "")
			}
		})
	}
	if !TooManyDeadLetters(b) {
		t.Fatalf("%d of %d dead letters are copies; want too many", b.DeadCopyCount(), b.DeadLetterCount())
	}
	transact(func(tx *Transaction) { tx.ExpireDeadLetters(time.Time{}, 0) })
	if TooManyDeadLetters(b) || b.DeadLetterCount()-b.DeadCopyCount() != 1 {
		t.Errorf("%d of %d dead letters are copies; want the customer's too", b.DeadCopyCount(), b.DeadLetterCount())
	}
}

func TestACopyInAClosedConversationIsStillSent(t *testing.T) {
	h := newHarness(t, testPolicy(t, auditAll(route.EventMessage), onWord("bye", route.Rule{Close: true})))
	h.customer("bye")
	h.drain("faq")
	h.advance(2 * closedRetention)
	h.want("closed by", h.conv().Closing, "bye")
	h.wantLines("copies", h.copies(), "audit: sent faq: bye")
	h.advance(time.Second)
	if n := h.state.Len(); n != 0 {
		t.Errorf("%d conversations remain", n)
	}
}
