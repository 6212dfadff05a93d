package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

func TestOffer(t *testing.T) {
	ask := func(text string, o *route.Offer) route.Rule {
		return route.Rule{Name: text, From: []string{"customer"}, When: fmt.Sprintf("text == %q", text), Offer: o}
	}
	failed := route.Rule{
		Name:   "failed",
		Events: []route.Event{route.EventOfferFailed},
		When:   `reason != ""`,
		Say:    route.Say{Default: "Sorry."},
	}
	both := route.NewOffer("desk", "night")
	loose := route.NewOffer("desk")
	loose.Hold = false
	orElse := route.NewOffer("desk")
	orElse.Else = "old"
	rules := []route.Rule{
		ask("desk", route.NewOffer("desk")), ask("night", route.NewOffer("night")), ask("both", both), ask("loose", loose),
		ask("else", orElse), ask("bot", route.NewOffer("faq", "old")), failed,
	}
	begin := func(t *testing.T, text string) *harness {
		h := newHarness(t, testPolicy(t, rules...))
		h.customer(text)
		return h
	}
	outcomes := func(h *harness) string {
		var out []string
		for _, o := range lastChanges[*journal.Change_OfferEnded](h) {
			out = append(out, o.OfferEnded.GetTarget()+" "+o.OfferEnded.GetOutcome())
		}
		return strings.Join(out, ", ")
	}
	t.Run("the same offer again changes nothing", func(t *testing.T) {
		h := begin(t, "desk")
		was := *h.conv().Offer
		h.now = h.now.Add(30 * time.Second)
		h.customer("desk")
		if diff := cmp.Diff(was, *h.conv().Offer); diff != "" {
			t.Fatalf("offer changed:\n%s", diff)
		}
		h.wantLines("to the desk", h.queue("desk"), "ask")
		h.want("status", h.status("desk"), "held held")
	})
	t.Run("another offer replaces it", func(t *testing.T) {
		h := begin(t, "desk")
		h.openThread("desk", "desk-1")
		h.customer("night")
		h.want("outcome", outcomes(h), "desk withdrawn")
		h.wantLines("to the desk", h.drain("desk"), "disconnected offer_withdrawn")
		h.wantLines("to the night desk", h.queue("night"), "ask")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		h.wantOwner("faq", 1)
		h.openThread("night", "night-1")
		h.receive(incoming{channel: "night", thread: "night-1", kind: envelope.KindConnected})
		h.wantLines("to the night desk", h.drain("night"), "desk", "night")
	})
	t.Run("held messages are not overtaken if the new offer does not hold", func(t *testing.T) {
		h := begin(t, "night")
		h.customer("loose")
		h.customer("more")
		h.wantLines("to the bot", h.queue("faq"), "open", "night", "loose", "more")
	})
	t.Run("targets are offered in order", func(t *testing.T) {
		h := begin(t, "both")
		h.advance(60 * time.Second)
		h.want("outcome", outcomes(h), "desk expired")
		h.wantLines("to the desk", h.queue("desk"))
		h.wantLines("to the night desk", h.queue("night"), "ask")
		h.want("status", h.status("both"), state.StatusHeld)
		h.advance(59 * time.Second)
		h.wantLines("to the customer", h.queue("web"))
		h.advance(time.Second)
		h.want("outcome", outcomes(h), "night expired")
		h.wantLines("to the customer", h.queue("web"), "Sorry.")
		h.wantLines("to the bot", h.drain("faq"), "open", "both")
	})
	t.Run("declined", func(t *testing.T) {
		h := begin(t, "desk")
		h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultDeclined, Error: "declined", Reason: "no agent"})
		h.want("outcome", outcomes(h), "desk declined")
		h.wantLines("to the bot", h.queue("faq"), "open", "desk")
		h.wantLines("to the customer", h.queue("web"), "Sorry.")
		h.wantLines("to the desk", h.queue("desk"))
	})
	t.Run("given up", func(t *testing.T) {
		h := begin(t, "desk")
		h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		h.want("outcome", outcomes(h), "desk unreachable")
		h.wantLines("to the customer", h.queue("web"), "Sorry.")
		if n := len(h.state.DeadLetters()); n != 0 {
			t.Fatalf("an offer became %d dead letters", n)
		}
	})
	t.Run("closed by the channel", func(t *testing.T) {
		h := begin(t, "desk")
		h.openThread("desk", "desk-1")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected, reason: "queue_full"})
		h.want("outcome", outcomes(h), "desk closed")
		h.wantLines("to the desk", h.queue("desk"))
		h.wantLines("to the bot", h.queue("faq"), "open", "desk")
	})
	t.Run("an unreachable target fails immediately", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, rules...))
		h.policy.Reachable = func(ch string, _ time.Duration) bool { return ch == "faq" }
		h.customer("both")
		h.want("outcome", outcomes(h), "desk unreachable, night unreachable")
		h.wantLines("to the bot", h.queue("faq"), "open", "both")
		h.wantLines("to the customer", h.queue("web"), "Sorry.")
	})
	t.Run("else", func(t *testing.T) {
		h := begin(t, "else")
		h.openThread("desk", "desk-1")
		h.advance(time.Minute)
		h.wantOwner("old", 2)
		h.wantLines("to the desk", h.queue("desk"), "disconnected offer_expired")
		h.wantLines("to the other bot", h.queue("old"), "else")
		h.wantLines("to the customer", h.queue("web"), "passed bot offer", "Sorry.")
	})
	t.Run("an offer without hold", func(t *testing.T) {
		h := begin(t, "loose")
		h.customer("more")
		h.wantLines("to the bot", h.drain("faq"), "open", "loose", "more")
		h.openThread("desk", "desk-1")
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindConnected})
		h.wantLines("to the desk", h.queue("desk"), "transcript [loose]", "transcript [more]")
	})
	t.Run("opened after the offer was withdrawn", func(t *testing.T) {
		h := begin(t, "desk")
		inFlight := h.head("desk")
		h.advance(time.Minute)
		h.wantLines("to the desk", h.queue("desk"))
		h.outcome(inFlight, attempt.Outcome{Thread: "desk-1"})
		h.wantLines("to the desk", h.queue("desk"), "disconnected offer_withdrawn")
		if th := h.head("desk").Thread; th != "desk-1" {
			t.Fatalf("notified on thread %q", th)
		}
		h.receive(incoming{channel: "desk", thread: "desk-1", text: "hello?"})
		h.want("status", h.status("hello?"), state.StatusFenced)
	})
	t.Run("opened after the offer was withdrawn and made again", func(t *testing.T) {
		h := begin(t, "desk")
		inFlight := h.head("desk")
		h.advance(time.Minute)
		h.customer("desk")
		h.outcome(inFlight, attempt.Outcome{Thread: "user-1"})
		h.wantLines("to the desk", h.queue("desk"), "disconnected offer_withdrawn", "ask")
		h.drain("desk")
		h.want("offered", h.conv().Offer.Target, "desk")
	})
	t.Run("a channel that cannot decline accepts", func(t *testing.T) {
		h := begin(t, "bot")
		h.wantOwner("old", 2)
		h.wantLines("to the other bot", h.queue("old"), "bot")
	})
	t.Run("the thread of the accepted offer belongs to the new epoch", func(t *testing.T) {
		p := testPolicy(t, ask("bot", route.NewOffer("faq")))
		p.Owner = "old"
		h := newHarness(t, p)
		h.customer("bot")
		h.outcome(h.head("faq"), attempt.Outcome{Thread: "faq-1", Accepted: true})
		h.wantOwner("faq", 2)
		h.wantLines("to the bot", h.drain("faq"), "bot")
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "at your service"})
		h.want("status", h.status("at your service"), state.StatusQueued)
	})
	t.Run("after the agent left, control goes to the accepting channel or home", func(t *testing.T) {
		h := atDeskHarness(t, route.Rule{
			Name: "desk-left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("night"),
		})
		h.receive(incoming{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		h.want("offered", h.conv().Offer.Target, "night")
		h.customer("hello?")
		h.want("status", h.status("hello?"), state.StatusHeld)
		h.advance(time.Minute)
		h.wantOwner("faq", 3)
		h.wantLines("to the desk", h.queue("desk"))
		h.want("status", h.status("hello?"), state.StatusQueued)
	})
}

func TestMessagesAreHeldOnceWhileTheOwnerLeaves(t *testing.T) {
	loose := route.NewOffer("night")
	loose.Hold = false
	h := newHarness(t, testPolicy(t,
		route.Rule{Name: "first", From: []string{"faq"}, When: `text == "first"`, Offer: route.NewOffer("desk")},
		route.Rule{Name: "second", From: []string{"faq"}, When: `text == "second"`, Offer: loose},
	))
	h.customer("one")
	h.drain("faq")
	h.customer("two")
	h.bot(incoming{kind: envelope.KindDisconnected, sent: h.now})
	for _, text := range []string{"first", "second"} {
		h.bot(incoming{text: text, sent: h.now.Add(-time.Second)})
	}
	h.advance(2 * time.Second)
	h.wantLines("to the bot", h.queue("faq"), "open", "two")
}
