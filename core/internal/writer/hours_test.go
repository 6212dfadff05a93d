package writer

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/hours"
	"patchbay/core/internal/state"
)

// The clock of the bubble begins at midnight.
func TestOpenWaitsForTheHoursAlsoOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		span, err := hours.ParseWeekly("09:00-18:00")
		if err != nil {
			t.Fatal(err)
		}
		h := openHarness(t, func(o *Options) {
			o.Policy.Channels["desk"].Hours = hours.New(time.UTC, []hours.Weekly{span}, nil)
		})
		midnight := time.Now()
		h.customer("w1", "m1", "desk now")
		h.customer("w1", "m2", "are you there?")
		h.idle("desk")
		time.Sleep(time.Hour)
		h.restart()
		h.idle("desk")
		time.Sleep(8*time.Hour - time.Second)
		h.idle("desk")
		time.Sleep(time.Minute)
		open := h.head("desk")
		if open.Delivery.Kind != state.KindOpen || open.Waited != 9*time.Hour {
			t.Fatalf("a %s was released that has waited %v, want an open and 9h", open.Delivery.Kind, open.Waited)
		}
		if late := time.Since(midnight) - 9*time.Hour; late > 2*time.Minute {
			t.Errorf("the open was released %v after the hours began", late)
		}
		h.finish(open, attempt.Outcome{Result: attempt.ResultDelivered, Thread: "desk-1"})
		if j := h.head("desk"); h.textOf(j) != "desk now" || j.Waited < 9*time.Hour-time.Second {
			t.Errorf("%q was released that has waited %v, want the first message and 9h", h.textOf(j), j.Waited)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
