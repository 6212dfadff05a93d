package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/state"
)

const ageLimit = 5 * time.Second

// saturated reports whether the engine shows the channel faq as saturated.
func (h *harness) saturated() bool {
	synctest.Wait()
	s := h.State("faq")
	return s.IsSaturated(ageLimit)
}

func TestSlowChannelIsSaturated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 1})
		defer h.close()
		for range 30 {
			h.submit("faq", "hello")
		}
		for second := range 12 { // a call takes a second
			time.Sleep(time.Second)
			for _, c := range h.bot.takeCalls() {
				c.answer <- delivered()
			}
			if got, want := h.saturated(), second >= 5; got != want {
				t.Errorf("after %d s: saturated = %v, want %v", second+1, got, want)
			}
		}
		s := h.State("faq")
		if s.Full != 12*time.Second || s.Waits != 12*time.Second || s.Queued != 17 {
			t.Errorf("state %+v, want 12 s and 17 queued jobs", s)
		}
		h.bot.finishCalls(delivered())
		for _, c := range h.bot.takeCalls() {
			c.answer <- delivered()
		}
		if h.saturated() {
			t.Error("saturated with an empty queue")
		}
	})
}

func TestChannelIsNotSaturatedWhileItsQueueWaitsForSomethingElse(t *testing.T) {
	for name, tc := range map[string]struct {
		channel Channel
		act     func(*harness)
	}{
		"calls hang": {Channel{Name: "faq", Concurrency: 2, Timeout: time.Minute}, func(*harness) {}},
		"rate limit": {Channel{Name: "faq", Rate: 1}, func(h *harness) { h.bot.finishCalls(delivered()) }},
		"operator's pause": {Channel{Name: "faq"}, func(h *harness) {
			h.bot.finishCalls(delivered())
			h.Pause(&state.Pause{Channel: "faq", Since: time.Now()})
		}},
		"vendor's pause": {Channel{Name: "faq"}, func(h *harness) { h.bot.finishCalls(throttled(time.Hour, "channel")) }},
		"open breaker":   {Channel{Name: "faq"}, func(h *harness) { h.bot.finishCalls(failedWith("transient", 503)) }},
		"adapter":        {Channel{Name: "faq"}, func(h *harness) { h.bot.finishCalls(notReady()) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, tc.channel)
				defer h.close()
				h.bot.finishCalls(delivered())
				h.mustOutcome(h.submit("faq", "works"))
				h.bot.setResults(nil)
				tc.act(h)
				for range 40 {
					h.submit("faq", "hello")
				}
				for range 30 {
					time.Sleep(500 * time.Millisecond)
					if h.saturated() {
						t.Fatalf("saturated: %+v", h.State("faq"))
					}
				}
			})
		})
	}
}
