package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
)

func TestCallsInFlightEndWithTheirSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 1}, Channel{Name: "gone", Concurrency: 1})
		defer h.close()
		next := &fakeAdapter{}
		next.finishCalls(delivered())
		inFlight, queued := h.submit("faq", "one"), h.submit("faq", "two")
		goneInFlight, goneQueued := h.submit("gone", "three"), h.submit("gone", "four")
		calls := h.bot.takeCalls()
		h.Configure([]Channel{
			{Name: "faq", Adapter: "bot", Caller: next, Timeout: time.Second, Concurrency: 2},
			{Name: "new", Adapter: "other", Caller: next, Timeout: time.Second, Concurrency: 1},
		})
		if o := h.mustOutcome(queued); o.Result != attempt.ResultDelivered || h.outcome(inFlight) != nil {
			t.Errorf("queued delivery: %+v; delivery in flight: %+v", o, h.outcome(inFlight))
		}
		if o := h.mustOutcome(goneQueued); o.Result != attempt.ResultRetry || !o.NotCalled {
			t.Errorf("queued delivery of the removed channel: %+v, want it to be kept", o)
		}
		if o := h.mustOutcome(h.submit("new", "five")); o.Result != attempt.ResultDelivered {
			t.Errorf("delivery of the new channel: %+v", o)
		}
		for _, c := range calls {
			c.answer <- delivered()
		}
		if h.mustOutcome(inFlight).Result != attempt.ResultDelivered ||
			h.mustOutcome(goneInFlight).Result != attempt.ResultDelivered {
			t.Error("a call in flight was not finished")
		}
		if s := h.State("gone"); s != (attempt.ChannelState{}) {
			t.Errorf("state of the removed channel: %+v", s)
		}
	})
}

func TestFormerProcessIsNotReadyForAQueuedDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 1})
		defer h.close()
		next := &fakeAdapter{}
		next.finishCalls(delivered())
		j := h.submit("faq", "one")
		calls := h.bot.takeCalls()
		h.Configure([]Channel{{Name: "faq", Adapter: "bot", Caller: next, Timeout: time.Second, Concurrency: 1}})
		calls[0].answer <- notReady()
		if o := h.mustOutcome(j); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v, want a call of the next process", o)
		}
	})
}

func TestNewDeadlineAppliesToQueuedDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: time.Hour, Concurrency: 1})
		defer h.close()
		h.bot.finishCalls(notReady())
		j := h.submit("faq", "queued")
		c := *h.channels["faq"].Channel
		c.GiveUp = 2 * time.Minute
		h.Configure([]Channel{c})
		time.Sleep(2 * time.Minute)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDead {
			t.Errorf("outcome %+v", o)
		}
	})
}
