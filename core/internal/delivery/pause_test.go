package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/state"
)

func TestPausedChannelStartsNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp, Concurrency: 1}, Channel{Name: "other"})
		defer h.close()
		inFlight := h.submit("faq", "in flight")
		running := h.bot.takeCalls()
		queued := h.submit("faq", "queued")
		since := time.Now()
		h.Pause(&state.Pause{Channel: "faq", Since: since})
		later := h.submit("faq", "later")
		running[0].answer <- delivered()
		h.mustOutcome(inFlight)
		if calls := h.bot.takeCalls(); len(calls) != 0 {
			t.Fatalf("%d calls started during the pause", len(calls))
		}
		if !h.State("faq").Paused || h.State("other").Paused {
			t.Error("only faq must be shown as paused")
		}
		h.bot.finishCalls(delivered())
		h.mustOutcome(h.submit("other", "not paused"))

		time.Sleep(10 * testGiveUp) // nothing is given up
		if h.outcome(queued) != nil || h.outcome(later) != nil {
			t.Fatal("a delivery of a paused channel has an outcome")
		}
		h.Pause(&state.Pause{Channel: "faq", Since: since, Ended: time.Now()})
		if h.mustOutcome(queued).Error != "" || h.mustOutcome(later).Error != "" {
			t.Error("a delivery failed after the pause")
		}
	})
}

func TestPauseDoesNotCountTowardsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: 2 * time.Minute})
		defer h.close()
		h.bot.finishCalls(notReady())
		h.Pause(&state.Pause{Channel: "faq", Since: time.Now()})
		j := h.submit("faq", "waits")
		time.Sleep(time.Hour)
		h.Pause(&state.Pause{Channel: "faq", Ended: time.Now()})
		time.Sleep(2*time.Minute - time.Millisecond)
		if o := h.outcome(j); o != nil {
			t.Fatalf("outcome %+v before the deadline", o)
		}
		time.Sleep(time.Millisecond)
		if o := h.mustOutcome(j); o.Error != "transient" {
			t.Errorf("outcome %+v, want given up", o)
		}
	})
}
