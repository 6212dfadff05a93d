package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// A typing or read event ends with its first outcome, without a dead letter. Then the next message is sent.
func TestTypingAndReadAreTriedOnce(t *testing.T) {
	later := midnight.Add(24 * time.Hour)
	for name, o := range map[string]attempt.Outcome{
		"retry":          {Result: attempt.ResultRetry, Error: "transient", Text: "500", Next: later},
		"not called":     {Result: attempt.ResultRetry, Error: "transient", Text: "breaker", Next: later, NotCalled: true},
		"canceled":       {Result: attempt.ResultRetry, Error: "canceled", NotCalled: true},
		"refused":        {Result: attempt.ResultDead, Error: "invalid", Text: "400"},
		"declined":       {Result: attempt.ResultDeclined, Error: "declined", Text: "no"},
		"thread is gone": {Result: attempt.ResultGone, Error: "gone", Text: "404"},
	} {
		for _, kind := range []envelope.Kind{envelope.KindTyping, envelope.KindRead} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				h := newHarness(t, testPolicy(t, onWord("desk", route.Rule{Pass: "desk"})))
				desk := h.policy.Channels["desk"]
				desk.Block, desk.Events = true, events(kind)
				h.customer("desk")
				h.openThread("desk", "desk-1")
				h.drain("desk")
				h.receive(incoming{channel: "web", thread: "w1", kind: kind})
				h.customer("text")
				event := h.head("desk")
				h.outcome(event, o)
				ended := lastChanges[*journal.Change_Ended](h)
				if len(ended) != 1 || ended[0].Ended.GetDelivery() != event.ID ||
					ended[0].Ended.GetStatus() != state.StatusDropped || ended[0].Ended.GetError() != o.Error ||
					ended[0].Ended.GetText() != o.Text {
					t.Errorf("ended %v, want the event as dropped with its error", ended)
				}
				h.wantLetters(0)
				h.wantOwner("desk", 2)
				h.wantLines("to the desk", h.drain("desk"), "text")
			})
		}
	}
}

func TestTypingAndReadBecomeNoDeadLetters(t *testing.T) {
	begin := func(t *testing.T, p *Policy) *harness {
		p.Channels["faq"].Events = events(envelope.KindTyping)
		h := newHarness(t, p)
		h.customer("one")
		h.openThread("faq", "faq-1")
		h.drain("faq")
		h.customer("two")
		h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
		return h
	}
	t.Run("the thread of a queued event cannot be opened again", func(t *testing.T) {
		h := begin(t, testPolicy(t))
		h.outcome(h.head("faq"), attempt.Outcome{Result: attempt.ResultGone, Error: "gone"})
		h.wantLines("to the bot", h.queue("faq"), "open", "two [one]", "typing")
		dead := h.fail("faq")
		if l := h.state.DeadLetters(); len(l) != 1 || l[0].Delivery.ID != dead.ID || len(l[0].Messages) != 1 {
			t.Errorf("dead letters %+v, want one of the open with one message", l)
		}
	})
	t.Run("the customer's channel is removed", func(t *testing.T) {
		h := begin(t, testPolicy(t))
		h.receive(incoming{channel: "faq", thread: "faq-1", kind: envelope.KindTyping})
		h.without("web")
		h.advance(state.VanishedWait)
		h.adaptAll()
		h.wantLines("to the customer", h.queue("web"))
		h.wantLetters(0)
	})
}

// A typing event neither opens a thread nor waits for one, for example outside the hours of a desk.
func TestTypingNeedsAThread(t *testing.T) {
	p := testPolicy(t)
	p.Channels["faq"].Events = events(envelope.KindTyping)
	h := newHarness(t, p)
	h.customer("one")
	h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
	h.wantLines("to the bot", h.queue("faq"), "open", "one")
	d := lastChanges[*journal.Change_Disposed](h)
	if len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusDropped {
		t.Errorf("disposed %v, want the event as dropped", d)
	}
	h.openThread("faq", "faq-1")
	h.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
	h.wantLines("to the bot", h.queue("faq"), "one", "typing")
}
