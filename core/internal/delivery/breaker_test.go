package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/attempt"
)

func TestBreakerOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer h.close()
		h.bot.answerAll(failed("transient"))
		for range breakerFailures {
			if !h.Reachable("faq") {
				t.Fatal("not reachable before the breaker opened")
			}
			h.mustOutcome(h.submit("faq", "hello"))
		}
		if h.Reachable("faq") || !h.Reachable("other") {
			t.Errorf("reachable: faq %v, other %v; want only the other", h.Reachable("faq"), h.Reachable("other"))
		}
		if state, _, _, _ := h.State("faq"); state != "open" {
			t.Errorf("State returns %q, want open", state)
		}
		calls := h.bot.callCount()
		j := h.submit("faq", "waits")
		time.Sleep(breakerOpen - time.Second)
		if h.outcome(j) != nil || h.bot.callCount() != calls {
			t.Error("a call was made or an attempt counted while the breaker was open")
		}
		time.Sleep(2 * time.Second) // half open: one call is allowed
		if o := h.mustOutcome(j); o.Result != attempt.ResultRetry || h.bot.callCount() != calls+1 {
			t.Errorf("half open: outcome %+v after %d calls, want one call that fails", o, h.bot.callCount()-calls)
		}
		h.bot.answerWith(nil)
		first, second := h.submit("faq", "first"), h.submit("faq", "second")
		time.Sleep(breakerOpen + time.Second)
		tries := h.bot.takeCalls()
		if len(tries) != 1 {
			t.Fatalf("%d calls while half open, want one", len(tries))
		}
		tries[0].answer <- delivered()
		h.bot.answerAll(delivered())
		h.bot.callCount()
		time.Sleep(time.Second)
		if h.mustOutcome(first).Result != attempt.ResultDelivered ||
			h.mustOutcome(second).Result != attempt.ResultDelivered {
			t.Error("not delivered after the vendor came back")
		}
		want := []string{"faq open", "faq half-open", "faq open", "faq half-open", "faq closed"}
		if diff := cmp.Diff(want, h.breakers); diff != "" {
			t.Errorf("the observer received (-want +got):\n%s", diff)
		}
	})
}

func TestBreakerIgnoresOtherFailures(t *testing.T) {
	for name, a := range map[string]answer{
		"throttled": throttled(time.Millisecond,
			"lane"), "permanent": failed("permanent"), "gone": failed("gone"), "declined": failed("declined"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq"})
				defer h.close()
				h.bot.answerAll(a)
				for range 3 * breakerFailures {
					h.mustOutcome(h.submit("faq", "hello"))
				}
				if !h.Reachable("faq") {
					t.Errorf("the breaker opened for %q", name)
				}
			})
		})
	}
}

func TestBreakerIgnoresCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 2 * breakerFailures})
		defer h.close()
		for range 2 * breakerFailures {
			h.submit("faq", "hello")
		}
		for _, c := range h.bot.takeCalls() { // the process crashed with all calls
			c.answer <- crashed(false)
		}
		synctest.Wait()
		if !h.Reachable("faq") {
			t.Error("the breaker opened for crashes of the adapter")
		}
		for calls := h.bot.takeCalls(); len(calls) > 0; calls = h.bot.takeCalls() {
			for _, c := range calls {
				c.answer <- delivered()
			}
		}
	})
}
