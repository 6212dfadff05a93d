package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/hours"
	"patchbay/core/internal/state"
)

// halfHour returns hours from midnight until 00:30. A synctest bubble begins at midnight UTC.
func halfHour(t *testing.T) *hours.Hours { return weekly(t, "00:00-00:30") }

func weekly(t *testing.T, spans ...string) *hours.Hours {
	t.Helper()
	var week []hours.Weekly
	for _, s := range spans {
		w, err := hours.ParseWeekly(s)
		if err != nil {
			t.Fatal(err)
		}
		week = append(week, w)
	}
	return hours.New(time.UTC, week, nil)
}

func (h *harness) submitOpen(channel string, offer bool) *attempt.Job {
	h.Helper()
	j := h.job(channel, "open")
	j.Delivery.Kind, j.Delivery.Offer = state.KindOpen, offer
	h.Submit(j)
	return j
}

// waitCauses contains functions that make later deliveries of the channel desk wait for a call, by cause.
var waitCauses = map[string]func(h *harness){
	"operator's pause": func(h *harness) { h.Pause(&state.Pause{Channel: "desk", Since: time.Now()}) },
	"breaker": func(h *harness) {
		h.bot.finishCalls(failedWith("transient", 503))
		for range breakerMinimum {
			h.mustOutcome(h.submit("desk", "fails"))
		}
		h.channels["desk"].breaker.timer.Stop()
	},
	"vendor's pause": func(h *harness) {
		h.bot.finishCalls(throttled(time.Hour, "channel"))
		h.mustOutcome(h.submit("desk", "throttled"))
	},
	"concurrency": func(h *harness) { h.submit("desk", "hangs") },
}

// An open that waits for a call returns to the writer when the hours of its channel end, also if give_up ends later or
// never. Offers and messages continue to wait.
func TestOpenThatWaitsEndsWithTheHours(t *testing.T) {
	for name, wait := range waitCauses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{
					Name: "desk", Concurrency: 1, Timeout: 24 * time.Hour, GiveUp: 2 * time.Hour, Hours: halfHour(t),
				})
				defer h.close()
				wait(h)
				open, message, offer := h.submitOpen("desk", false), h.submit("desk", "message"), h.submitOpen("desk", true)
				calls := h.bot.callCount()
				time.Sleep(30*time.Minute - time.Nanosecond)
				if o := h.outcome(open); o != nil {
					t.Fatalf("outcome %+v within the hours", o)
				}
				time.Sleep(time.Nanosecond)
				o := h.mustOutcome(open)
				if o.Result != attempt.ResultRetry || !o.NotCalled || !o.Next.Equal(time.Now()) {
					t.Errorf("outcome %+v, want a retry now, without a call", o)
				}
				if h.outcome(message) != nil || h.outcome(offer) != nil || h.bot.callCount() != calls {
					t.Error("other deliveries must go on waiting")
				}
			})
		})
	}
}

// An open continues to wait at the end of a span if another span continues it, and ends with the last span.
func TestOpenThatWaitsEndsWithTheLastOfAdjoiningSpans(t *testing.T) {
	for name, tc := range map[string]struct {
		spans  []string
		giveUp time.Duration
		end    time.Duration // since midnight, Saturday
	}{
		"adjacent":          {[]string{"00:00-08:00", "08:00-12:00"}, 0, 12 * time.Hour},
		"overlapping":       {[]string{"00:00-08:00", "07:00-12:00"}, 0, 12 * time.Hour},
		"whole days":        {[]string{"sat-mon"}, 0, 72 * time.Hour},
		"across midnight":   {[]string{"00:00-24:00", "22:00-02:00"}, 60 * time.Hour, 60 * time.Hour},
		"always, given up":  {[]string{"00:00-24:00"}, 50 * time.Hour, 50 * time.Hour},
		"a gap of a minute": {[]string{"00:00-08:00", "08:01-12:00"}, 0, 8 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{
					Name: "desk", Concurrency: 1, Timeout: 100 * time.Hour, GiveUp: tc.giveUp, Hours: weekly(t, tc.spans...),
				})
				defer h.close()
				h.submit("desk", "hangs")
				open := h.submitOpen("desk", false)
				time.Sleep(tc.end - time.Nanosecond)
				if o := h.outcome(open); o != nil {
					t.Fatalf("outcome %+v within the hours", o)
				}
				time.Sleep(time.Nanosecond)
				want := attempt.ResultRetry
				if tc.giveUp > 0 {
					want = attempt.ResultDead
				}
				if o := h.mustOutcome(open); o.Result != want || !o.NotCalled {
					t.Errorf("outcome %+v, want %v without a call", o, want)
				}
			})
		})
	}
}

// A reload that ends the hours ends the wait.
func TestOpenThatWaitsEndsWithChangedHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "desk"})
		defer h.close()
		h.Pause(&state.Pause{Channel: "desk", Since: time.Now()})
		open := h.submitOpen("desk", false)
		time.Sleep(2 * time.Hour)
		if o := h.outcome(open); o != nil {
			t.Fatalf("outcome %+v without hours", o)
		}
		settings := *h.channels["desk"].Channel
		settings.Hours = halfHour(t)
		h.Configure([]Channel{settings})
		if o := h.mustOutcome(open); o.Result != attempt.ResultRetry || !o.NotCalled {
			t.Errorf("outcome %+v, want a retry without a call", o)
		}
	})
}
