package delivery

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
)

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Rate: 2, Concurrency: 100})
		defer h.close()
		h.bot.finishCalls(delivered())
		for i := range 10 {
			h.submit("faq", fmt.Sprint(i))
		}
		for second, want := range []int{2, 4, 6, 8, 10} {
			if got := h.bot.callCount(); got != want {
				t.Errorf("%d calls after %d s, want %d", got, second, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestThrottledChannelPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer h.close()
		h.bot.finishCalls(throttled(time.Minute, "channel"))
		h.mustOutcome(h.submit("faq", "too fast"))
		h.bot.finishCalls(delivered())
		j := h.submit("faq", "waits")
		h.mustOutcome(h.submit("other", "does not"))
		if paused := h.State("faq").Pause; paused != time.Minute {
			t.Errorf("State returns a pause of %v, want a minute", paused)
		}
		time.Sleep(time.Minute - time.Second)
		if o := h.outcome(j); o != nil {
			t.Fatalf("outcome %+v during the pause", o)
		}
		time.Sleep(2 * time.Second)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v after the pause", o)
		}
	})
}

func TestThrottledLaneDoesNotPauseChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		h.bot.finishCalls(throttled(time.Minute, "lane"))
		h.mustOutcome(h.submit("faq", "too fast"))
		h.bot.finishCalls(delivered())
		h.mustOutcome(h.submit("faq", "another conversation"))
	})
}
