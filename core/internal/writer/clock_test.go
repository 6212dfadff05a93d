package writer

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/clock"
)

// systemClock is a system clock that can be set. The writer's clock starts with it.
type systemClock struct {
	start time.Time
	set   time.Duration // difference to the bubble's clock
}

func (c *systemClock) now() time.Time         { return time.Now().Add(c.set) }
func (c *systemClock) elapsed() time.Duration { return time.Since(c.start) }

func (c *systemClock) option(o *Options) {
	c.start = time.Now()
	o.Now = clock.New(c.now(), c.elapsed)
}

// TestWaitsIgnoreASetClock checks that retries and offers neither stop nor hurry after the system's clock was set.
func TestWaitsIgnoreASetClock(t *testing.T) {
	for name, step := range map[string]time.Duration{"back": -2 * time.Hour, "forward": 100 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				system := &systemClock{}
				h := openHarness(t, system.option)
				defer h.stop()
				h.customer("w1", "m1", "hello")
				h.finish(h.head("faq"), attempt.Outcome{
					Result: attempt.ResultRetry, Error: "transient", Next: h.Now().Add(time.Minute),
				})
				h.customer("w2", "m2", "help")
				system.set = step
				time.Sleep(59 * time.Second)
				h.idle("faq")
				if h.conv("w2").Offer == nil {
					t.Error("the offer expired early")
				}
				time.Sleep(2 * time.Second)
				h.head("faq")
				time.Sleep(10 * time.Minute)
				if h.conv("w2").Offer != nil {
					t.Error("the offer has not expired")
				}
				if h.conv("w1") == nil {
					t.Error("the conversation was closed early")
				}
			})
		})
	}
}

// TestWaitsEndAfterARestartWithASetClock restarts with a clock that is behind the log.
func TestWaitsEndAfterARestartWithASetClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := &systemClock{}
		h := openHarness(t, system.option)
		defer func() { h.stop() }()
		h.customer("w1", "m1", "hello")
		h.finish(h.head("faq"), attempt.Outcome{
			Result: attempt.ResultRetry, Error: "transient", Next: h.Now().Add(time.Minute),
		})
		h.customer("w2", "m2", "help")
		within := time.Until(h.conv("w2").Offer.Deadline)
		for range 3 {
			system.set -= 2 * time.Hour
			h.restart()
		}
		h.crash()
		h.checkRestored()
		h.open()
		time.Sleep(time.Minute)
		job := h.head("faq")
		if got := h.said(job); got != "hello" {
			t.Errorf("released %q", got)
		}
		time.Sleep(within)
		if h.conv("w2").Offer != nil {
			t.Error("the offer has not expired")
		}
		h.finish(job, attempt.Outcome{Result: attempt.ResultDelivered})
		time.Sleep(h.Policy.CloseAfter + time.Minute)
		if c := h.conv("w1"); c != nil && c.Closing == "" {
			t.Error("the idle conversation was not closed")
		}
	})
}
