package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

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
		s.want("fate", s.fate("both"), state.StatusHeld)
		s.wait(59 * time.Second)
		s.wantLines("to the customer", s.queue("web"))
		s.wait(time.Second)
		s.want("outcome", outcomes(s), "night expired")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
		s.wantLines("to the bot", s.drain("faq"), "open", "both")
	})
	t.Run("declined", func(t *testing.T) {
		s := begin(t, "desk")
		s.result(s.head("desk"), delivery.Outcome{Result: delivery.ResultDeclined, Error: "declined", Reason: "no agent"})
		s.want("outcome", outcomes(s), "desk declined")
		s.wantLines("to the bot", s.queue("faq"), "open", "desk")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
		s.wantLines("to the desk", s.queue("desk"))
	})
	t.Run("given up", func(t *testing.T) {
		s := begin(t, "desk")
		s.result(s.head("desk"), delivery.Outcome{Result: delivery.ResultDead, Error: "permanent"})
		s.want("outcome", outcomes(s), "desk unreachable")
		s.wantLines("to the customer", s.queue("web"), "Sorry.")
		if n := len(s.state.DeadLetters()); n != 0 {
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
		s.result(flying, delivery.Outcome{Thread: "desk-1"})
		s.wantLines("to the desk", s.queue("desk"), "disconnected offer_withdrawn")
		if th := s.head("desk").Thread; th != "desk-1" {
			t.Fatalf("told on thread %q", th)
		}
		s.in(say{channel: "desk", thread: "desk-1", text: "hello?"})
		s.want("fate", s.fate("hello?"), state.StatusFenced)
	})
	t.Run("opened after it was withdrawn and asked again", func(t *testing.T) {
		s := begin(t, "desk")
		flying := s.head("desk")
		s.wait(time.Minute)
		s.customer("desk")
		s.result(flying, delivery.Outcome{Thread: "user-1"})
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
		s.result(s.head("faq"), delivery.Outcome{Thread: "faq-1", Accepted: true})
		s.wantOwner("faq", 2)
		s.wantLines("to the bot", s.drain("faq"), "bot")
		s.in(say{channel: "faq", thread: "faq-1", text: "at your service"})
		s.want("fate", s.fate("at your service"), state.StatusQueued)
	})
	t.Run("when the agent has left, to whoever comes, else home", func(t *testing.T) {
		s := atDesk(t, route.Rule{
			Name: "left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("night"),
		})
		s.in(say{channel: "desk", thread: "desk-1", kind: envelope.KindDisconnected})
		s.want("offered", s.conv().Offer.Target, "night")
		s.customer("hello?")
		s.want("fate", s.fate("hello?"), state.StatusHeld)
		s.wait(time.Minute)
		s.wantOwner("faq", 3)
		s.wantLines("to the desk", s.queue("desk"))
		s.want("fate", s.fate("hello?"), state.StatusQueued)
	})
}
