package writer

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
)

func TestQueueWaitsForTheBotAlsoOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.Policy.Channels["faq"].Overlap = conversation.OverlapQueue })
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		h.finish(h.head("faq"), attempt.Outcome{})
		called := time.Now()
		h.idle("faq")
		time.Sleep(10 * time.Second)
		h.restart()
		h.idle("faq")
		time.Sleep(20*time.Second + time.Minute) // after a start, overdue deadlines wait
		if j := h.head("faq"); h.textOf(j) != "two" || j.Waited < 29*time.Second {
			t.Errorf("%q was released that has waited %v, %v after the call", h.textOf(j), j.Waited, time.Since(called))
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
