package writer

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// departing starts the grace of an agent's departure, in which the customer writes.
func departing(t *testing.T) *harness {
	t.Helper()
	h := openHarness(t)
	time.Sleep(startGrace)
	h.customer("w1", "m1", "desk now")
	h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: "d1"})
	h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered})
	in := message(t, "desk", "d1", "a1", "")
	in.Envelope.Kind, in.Envelope.Parts, in.Envelope.SentAt = envelope.KindDisconnected, nil, time.Now()
	var err error
	if in.Bytes, err = protocol.EncodeEnvelope(in.Envelope); err != nil {
		t.Fatal(err)
	}
	if err := h.Accept(t.Context(), []*inbound.Envelope{in}); err != nil {
		t.Fatal(err)
	}
	h.customer("w1", "m2", "hello?")
	h.idle("faq")
	return h
}

func TestDepartureTakesEffect(t *testing.T) {
	t.Run("at its deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := departing(t)
			defer h.stop()
			deadline := h.conv("w1").Departure.Deadline
			time.Sleep(time.Until(deadline) - 1)
			h.idle("faq")
			time.Sleep(1 + 4*commitSpacing)
			if said := h.said(h.head("faq")); said != "hello?" {
				t.Errorf("the bot got %q", said)
			}
		})
	})
	t.Run("after a restart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := departing(t)
			h.crash()
			time.Sleep(time.Hour)
			h.open()
			defer h.stop()
			h.idle("faq")
			time.Sleep(startGrace + 4*commitSpacing)
			if said := h.said(h.head("faq")); said != "hello?" {
				t.Errorf("the bot got %q", said)
			}
			h.checkRestored()
		})
	})
}
