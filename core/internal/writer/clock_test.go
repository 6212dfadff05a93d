package writer

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/clock"
)

// systemClock is the system's clock of a test, which can set it. The writer's clock starts with the same time.
type systemClock struct {
	start time.Time
	set   time.Duration // difference to the clock of the synctest bubble
}

func (c *systemClock) now() time.Time         { return time.Now().Add(c.set) }
func (c *systemClock) elapsed() time.Duration { return time.Since(c.start) }

func (c *systemClock) option(o *Options) {
	c.start = time.Now()
	o.Now = clock.New(c.now(), c.elapsed)
}

// TestWaitsDoNotFollowTheSystemClock checks that a change of the system's clock does not change the times of retries,
// offers and the end of conversations.
func TestWaitsDoNotFollowTheSystemClock(t *testing.T) {
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

// TestWaitsEndAfterARestartWithASetClock restarts the writer while the system's clock is behind the times in the log.
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
		if got := h.textOf(job); got != "hello" {
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
