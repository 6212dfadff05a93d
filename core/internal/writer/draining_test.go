package writer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

func TestDrainRefusesInputAndFinishesDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("t1", "m1", "one")
		h.Drain()
		h.Drain() // a second command changes nothing
		if err := h.accept("t1", "m2", "two"); !errors.Is(err, ErrDraining) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("Accept while draining = %v, want ErrDraining", err)
		}
		if err := h.Do(t.Context(), func(*conversation.Transaction) error { return nil }); err != nil {
			t.Errorf("Do while draining = %v, want none", err)
		}
		h.log.SetHealth(&store.Health{Reason: "the disk is full"})
		if err := h.Writable(); errors.Is(err, ErrDraining) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("Writable while draining with a full disk = %v, want the disk as the reason", err)
		}
		h.log.SetHealth(nil)
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

// During a drain, the gateway refuses answers. So rules for missing answers must not run. After the next start, their
// timers are as after each start.
func TestTimersWaitForTheStartAfterADrain(t *testing.T) {
	silent := route.Rule{
		Name: "silent", Events: []route.Event{route.EventUnanswered}, After: 10 * time.Second, Offer: route.NewOffer("desk"),
	}
	for name, downBefore := range map[string]time.Duration{
		"due in the drain": 0, "overdue at the drain": 20 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := unansweredHarness(t, 1, silent, unanswered(30*time.Second))
				if downBefore > 0 {
					h.crash()
					time.Sleep(downBefore)
					h.open()
				}
				h.Drain()
				time.Sleep(time.Hour)
				if at, _ := h.timersDone(); len(at) > 0 {
					t.Errorf("%d timers were run during the drain", len(at))
				}
				if h.conv("w0").Offer != nil {
					t.Error("an offer was started during the drain")
				}
				h.restart()
				defer h.stop()
				started := h.Now()
				time.Sleep(time.Minute)
				at, _ := h.timersDone()
				if len(at) == 0 || at[0].Sub(started) < 10*time.Second {
					t.Errorf("timers at %v after the start at %v, want the first one 10s later", at, started)
				}
			})
		})
	}
}

// During a drain, the gateway refuses agents' acceptances. So offers must not expire, and after the next start they get
// the same additional time as timers. An acceptance in the outcome of the call counts.
func TestOffersWaitForTheStartAfterADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "help")
		h.finish(h.head("desk"), attempt.Outcome{Thread: "d1"})
		h.customer("w2", "m1", "help")
		accepted := h.head("desk")
		h.Drain()
		time.Sleep(time.Hour)
		if h.conv("w1").Offer == nil {
			t.Error("the offer expired during the drain")
		}
		h.finish(accepted, attempt.Outcome{Thread: "d2", Accepted: true})
		if c := h.conv("w2"); c.Owner != "desk" {
			t.Errorf("the owner is %s, want desk, which accepted during the drain", c.Owner)
		}
		h.finish(h.head("desk"), attempt.Outcome{}) // the held message
		err := h.View(t.Context(), func(s *state.State) {
			if b := s.Backlog(); !b.Empty() || b.Offers != 1 {
				t.Errorf("backlog %+v, want nothing to wait for, and one offer", b)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		h.restart()
		time.Sleep(conversation.MaxOverdueWait - time.Second)
		if h.conv("w1").Offer == nil {
			t.Error("the offer expired before the desk could accept it after the start")
		}
		time.Sleep(2 * time.Second)
		if h.conv("w1").Offer != nil {
			t.Error("the offer did not expire after the start")
		}
	})
}

// An acceptance that was refused before the start arrives again after it, also if the offer was not overdue at the
// start. A reload does not let an offer wait again.
func TestOfferThatIsPendingAtAStartWaitsOnce(t *testing.T) {
	for name, down := range map[string]time.Duration{
		"not overdue": route.DefaultWithin - time.Second, "overdue": route.DefaultWithin + time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t)
				defer h.stop()
				h.customer("w1", "m1", "help")
				h.finish(h.head("desk"), attempt.Outcome{Thread: "d1"})
				h.Drain()
				time.Sleep(down)
				h.restart()
				for range 2 {
					time.Sleep(conversation.MaxOverdueWait/2 - time.Second)
					if h.conv("w1").Offer == nil {
						t.Fatal("the offer expired before the desk could accept it after the start")
					}
					if _, err := h.Revise(h.revision()); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(3 * time.Second)
				if h.conv("w1").Offer != nil {
					t.Error("the offer waits again after each reload")
				}
			})
		})
	}
}
