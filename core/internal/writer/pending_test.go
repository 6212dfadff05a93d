package writer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
)

func TestManyPendingEnvelopesFitIntoRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		var in []*inbound.Envelope
		for range 1000 {
			in = append(in, message(t, "faq", "nobody's", "", "hello"), message(t, "desk", "nobody's", "", "hello"))
		}
		if err := h.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		time.Sleep(conversation.PendingWait + time.Second)
		synctest.Wait()
		unrouted := 0
		for _, r := range h.records() {
			for _, ch := range r.GetChanges() {
				if ch.GetDisposed().GetStatus() == state.StatusUnrouted {
					unrouted++
				}
			}
		}
		if unrouted != len(in) {
			t.Errorf("%d are unrouted, want %d", unrouted, len(in))
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestManyAnswersOnANewThreadFitIntoRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "desk now")
		open := h.head("desk")
		var in []*inbound.Envelope
		for range 900 {
			in = append(in, message(t, "desk", "d1", "", strings.Repeat("much ", 200)))
		}
		if err := h.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		h.finish(open, attempt.Outcome{Result: attempt.ResultDelivered, Thread: "d1"})
		time.Sleep(time.Second)
		synctest.Wait()
		c := h.conv("w1")
		if n := c.Undelivered(); n != len(in)+1 {
			t.Errorf("%d deliveries wait, want every answer and the customer's message", n)
		}
		if n := len(h.deadLetters()); n != 0 {
			t.Errorf("%d dead letters", n)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
