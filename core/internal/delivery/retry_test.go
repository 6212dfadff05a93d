package delivery

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/sdk/protocol/pluginpb"
)

func TestNotReadyIsNotAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		h.bot.finishCalls(notReady())
		first, second := h.submit("faq", "first"), h.submit("faq", "second")
		time.Sleep(10 * time.Second)
		if n := h.bot.callCount(); n > 2*int(10*time.Second/notReadyPause)+4 {
			t.Errorf("%d calls in 10 s, want a pause between them", n)
		}
		if h.outcome(first) != nil || h.outcome(second) != nil || len(h.attemptResults()) != 0 ||
			!h.IsReachable("faq", time.Minute) {
			t.Errorf("waiting for the adapter was counted: attempts %v, reachable %v", h.attemptResults(),
				h.IsReachable("faq", time.Minute))
		}
		var order []string
		h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { order = append(order, c.GetKey()); return delivered() })
		time.Sleep(2 * notReadyPause)
		if o := h.mustOutcome(first); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v after the adapter is ready", o)
		}
		h.mustOutcome(second)
		if slices.Sort(order); !slices.Equal(order, []string{"d1", "d2"}) {
			t.Errorf("calls %v, want each once", order)
		}
	})
}

func TestUnknownOutcomes(t *testing.T) {
	for name, a := range map[string]callResult{"reported": failed("unknown"), "died": crashed(false),
		"timeout": {err: context.DeadlineExceeded}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq", DeadOnUnknown: true})
				defer h.close()
				h.bot.finishCalls(a)
				if o := h.mustOutcome(h.submit("faq", "hello")); o.Result != attempt.ResultDead ||
					o.Error != "unknown" {
					t.Errorf("outcome %+v, want dead", o)
				}
				for range breakerMinimum - 1 {
					h.mustOutcome(h.submit("faq", "hello"))
				}
				if open := !h.IsReachable("faq", time.Minute); open != (name != "died") {
					t.Errorf("the breaker is open: %v; it opens for the vendor's failures only", open)
				}
			})
		})
	}
}

func TestRetryDelay(t *testing.T) {
	for _, tc := range []struct {
		base     time.Duration
		attempts uint32
		max      time.Duration
	}{
		{backoffBase, 0, backoffBase}, {backoffBase, 1, 2 * backoffBase}, {backoffBase, 3, 8 * backoffBase},
		{backoffBase, 100, backoffMax}, {unauthorizedBase, 0, unauthorizedBase}, {unauthorizedBase, 4_000_000_000,
			backoffMax},
		{2 * backoffMax, 5, 2 * backoffMax},
	} {
		low, high := time.Hour, time.Duration(0)
		for range 2000 {
			d := retryDelay(tc.base, tc.attempts)
			low, high = min(low, d), max(high, d)
		}
		if low < tc.base/4 || high > tc.max+tc.base/4 {
			t.Errorf("retryDelay(%v, %d) is between %v and %v, want %v to %v", tc.base, tc.attempts, low, high,
				tc.base/4, tc.max+tc.base/4)
		}
		if high-low < tc.max/2 {
			t.Errorf("retryDelay(%v, %d) spreads over %v only: full jitter is over %v", tc.base, tc.attempts, high-low,
				tc.max)
		}
	}
}
