package writer

import (
	"errors"
	"testing"
	"testing/synctest"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
)

func TestDrainRefusesInputAndFinishesDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("t1", "m1", "one")
		h.Drain()
		h.Drain() // a second command changes nothing
		if err := h.try("t1", "m2", "two"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Accept while draining = %v, want ErrUnavailable", err)
		}
		if err := h.Writable(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Writable while draining = %v, want ErrUnavailable", err)
		}
		backlog := func() (b state.Backlog) {
			if err := h.View(t.Context(), func(s *state.State) { b = s.Backlog() }); err != nil {
				t.Fatal(err)
			}
			return b
		}
		if b := backlog(); b.Deliveries["faq"] != 1 || b.Empty() {
			t.Errorf("backlog %+v, want one delivery to faq", b)
		}
		h.finish(h.head("faq"), attempt.Outcome{})
		if b := backlog(); !b.Empty() {
			t.Errorf("backlog %+v after the delivery, want none", b)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
