package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/attempt"
	"patchbay/sdk/protocol/pluginpb"
)

// failedWith returns the result of a call that failed with this kind of error and this HTTP status of the vendor.
func failedWith(kind string, status int32) callResult {
	return callResult{res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: kind, Text: "no", Status: status}}}
}

// repeat submits the next attempt of a delivery.
func (h *harness) repeat(j *attempt.Job) *attempt.Job {
	h.Helper()
	again := *j
	h.mu.Lock()
	for i, o := range h.outcomes {
		if o.Delivery == j.Delivery.ID {
			h.outcomes = append(h.outcomes[:i:i], h.outcomes[i+1:]...)
			break
		}
	}
	h.mu.Unlock()
	again.Delivery.Attempts++
	h.Submit(&again)
	return &again
}

func TestBreakerOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer h.close()
		var log strings.Builder
		h.Logger = slog.New(slog.NewTextHandler(&log, nil))
		h.bot.finishCalls(failed("transient"))
		h.mustOutcome(h.submit("faq", "hello"))
		if !h.IsReachable("faq", time.Minute) {
			t.Fatal("the breaker opened after the failure of one conversation")
		}
		h.mustOutcome(h.submit("faq", "hello"))
		if h.IsReachable("faq", time.Minute) || !h.IsReachable("other", time.Minute) {
			t.Errorf("reachable: faq %v, other %v; want only the other", h.IsReachable("faq", time.Minute),
				h.IsReachable("other", time.Minute))
		}
		if s := h.State("faq"); s.Breaker != "open" || !strings.Contains(s.Cause, "no") {
			t.Errorf("State returns %+v, want an open breaker with its cause", s)
		}
		calls := h.bot.callCount()
		j := h.submit("faq", "waits")
		time.Sleep(breakerOpenTime - time.Second)
		if h.outcome(j) != nil || h.bot.callCount() != calls {
			t.Error("a call was made or an attempt counted while the breaker was open")
		}
		time.Sleep(2 * time.Second) // half open: one call is allowed
		if o := h.mustOutcome(j); o.Result != attempt.ResultRetry || h.bot.callCount() != calls+1 {
			t.Errorf("half open: outcome %+v after %d calls, want one call that fails", o, h.bot.callCount()-calls)
		}
		h.bot.setResults(nil)
		first, second := h.submit("faq", "first"), h.submit("faq", "second")
		time.Sleep(breakerOpenTime + time.Second)
		tries := h.bot.takeCalls()
		if len(tries) != 1 {
			t.Fatalf("%d calls while half open, want one", len(tries))
		}
		tries[0].answer <- delivered()
		h.bot.finishCalls(delivered())
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
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "level=WARN msg=\"circuit breaker opened\" channel=faq "+
			"conversations=2 error=") || !strings.Contains(lines[0], "transient: no") ||
			!strings.Contains(lines[1], "level=INFO msg=\"circuit breaker closed\" channel=faq") {
			t.Errorf("log output:\n%s", log.String())
		}
	})
}

// After a change of settings, the vendor may be reachable.
func TestOpenBreakerAllowsACallWithOtherSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer h.close()
		h.bot.finishCalls(failed("transient"))
		for range breakerMinimum {
			h.mustOutcome(h.submit("faq", "hello"))
			h.mustOutcome(h.submit("other", "hello"))
		}
		h.bot.finishCalls(delivered())
		first, second, other := h.submit("faq", "first"), h.submit("faq", "second"), h.submit("other", "third")
		faq, same := *h.channels["faq"].Channel, *h.channels["other"].Channel
		faq.Changed = true
		calls := h.bot.callCount()
		h.Configure([]Channel{faq, same})
		for _, j := range []*attempt.Job{first, second} {
			if o := h.mustOutcome(j); o.Result != attempt.ResultDelivered {
				t.Errorf("outcome %+v with other settings, want delivered", o)
			}
		}
		if o := h.outcome(other); o != nil || h.bot.callCount() != calls+2 {
			t.Errorf("outcome %+v with the same settings, %d calls; want none and 2 calls", o, h.bot.callCount()-calls)
		}
	})
}

func TestFailuresOfOneConversationDoNotStopOthers(t *testing.T) {
	for _, kind := range []string{"transient", "unknown"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq"})
			defer h.close()
			h.bot.finishCalls(failedWith(kind, 503))
			j := h.submit("faq", "poison")
			for range 10 * breakerFailures {
				h.mustOutcome(j)
				j = h.repeat(j)
			}
			h.bot.finishCalls(delivered())
			if o := h.mustOutcome(h.submit("faq", "of another customer")); o.Result != attempt.ResultDelivered {
				t.Errorf("%s: outcome %+v", kind, o)
			}
		})
	}
}

func TestBreakerComparesConversationsWithWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 100})
		defer h.close()
		for i := range 10 {
			h.submit("faq", fmt.Sprint(i))
		}
		calls := h.bot.takeCalls()
		for i := range breakerFailures {
			if !h.IsReachable("faq", time.Minute) {
				t.Fatalf("the breaker opened after %d of 10 conversations failed", i)
			}
			calls[i].answer <- failedWith("transient", 503)
			synctest.Wait()
		}
		if h.IsReachable("faq", time.Minute) {
			t.Errorf("the breaker is closed after %d conversations failed", breakerFailures)
		}
		calls[breakerFailures].answer <- delivered()
		synctest.Wait()
		if !h.IsReachable("faq", time.Minute) {
			t.Error("the breaker is open although a call that started before has reached the vendor")
		}
	})
}

func TestReachedVendorClearsFailures(t *testing.T) {
	for name, reached := range map[string]callResult{"delivered": delivered(), "refused": failedWith("permanent", 200)} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq"})
			defer h.close()
			for range breakerFailures {
				h.bot.finishCalls(failedWith("transient", 500))
				h.mustOutcome(h.submit("faq", "fails"))
				h.bot.finishCalls(reached)
				h.mustOutcome(h.submit("faq", "reaches the vendor"))
			}
			if !h.IsReachable("faq", time.Minute) {
				t.Errorf("%s: the breaker is open", name)
			}
		})
	}
}

func TestHalfOpenBreakerPrefersDeliveryThatHasNotFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		h.bot.finishCalls(failedWith("transient", 500))
		one, two := h.submit("faq", "poison"), h.submit("faq", "poison")
		h.mustOutcome(one)
		h.mustOutcome(two)
		h.bot.setResults(nil)
		h.repeat(one)
		h.repeat(two)
		fresh := h.submit("faq", "of another customer")
		time.Sleep(breakerOpenTime + time.Second)
		calls := h.bot.takeCalls()
		if len(calls) != 1 || calls[0].GetKey() != fresh.Delivery.ID {
			t.Fatalf("%d calls while half open, want that of the delivery that has not failed", len(calls))
		}
		calls[0].answer <- delivered()
		if n := len(h.bot.takeCalls()); n != 2 {
			t.Errorf("%d calls after the breaker closed, want the other two", n)
		}
	})
}

func TestBreakerIgnoresOtherFailures(t *testing.T) {
	for name, a := range map[string]callResult{
		"throttled conversation": throttled(time.Millisecond, "lane"), "permanent": failed("permanent"),
		"gone": failed("gone"), "declined": failed("declined"), "unauthorized": failedWith("unauthorized", 401),
		"business error": failedWith("transient", 200), "unknown error code": failedWith("unknown", 200),
		"client error": failedWith("transient", 425), "crash": crashed(true),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq", DeadOnUnknown: true})
				defer h.close()
				h.bot.finishCalls(a)
				for range 3 * breakerFailures {
					h.mustOutcome(h.submit("faq", "hello"))
				}
				if !h.IsReachable("faq", time.Minute) {
					t.Errorf("the breaker opened for %q", name)
				}
			})
		})
	}
}

func TestBreakerCountsFailuresOfTheVendor(t *testing.T) {
	for name, a := range map[string]callResult{
		"server error": failedWith("transient", 502), "error without a status": failed("unknown"),
		"too many requests": failedWith("throttled", 429), "timeout": {err: context.DeadlineExceeded},
		"kind of a later version": failed("brand_new"),
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq"})
			defer h.close()
			h.bot.finishCalls(a)
			for range breakerMinimum {
				h.mustOutcome(h.submit("faq", "hello"))
			}
			if h.IsReachable("faq", time.Minute) {
				t.Errorf("%s: the breaker is closed", name)
			}
		})
	}
}

// The failures of calls that were in flight when the vendor asked for a pause count as one failure.
func TestThrottledBurstCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 2 * breakerFailures})
		defer h.close()
		for range 2 * breakerFailures {
			h.submit("faq", "hello")
		}
		for _, c := range h.bot.takeCalls() {
			c.answer <- throttled(time.Second, "channel")
			synctest.Wait()
		}
		if !h.IsReachable("faq", time.Minute) {
			t.Error("the breaker opened for one burst")
		}
	})
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
		if !h.IsReachable("faq", time.Minute) {
			t.Error("the breaker opened for crashes of the adapter")
		}
		for calls := h.bot.takeCalls(); len(calls) > 0; calls = h.bot.takeCalls() {
			for _, c := range calls {
				c.answer <- delivered()
			}
		}
	})
}
