package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/sdk/protocol/pluginpb"
)

// submitTyping submits the delivery of a typing event.
func (h *harness) submitTyping(channel string) *attempt.Job {
	h.Helper()
	j := h.job(channel, "typing")
	j.Delivery.Reason = state.ReasonTyping
	h.Submit(j)
	return j
}

// A typing event that would wait for a call ends without a call, for each cause of the wait. Messages continue to wait.
func TestTypingDoesNotWaitForACall(t *testing.T) {
	for name, wait := range waitCauses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "desk", Concurrency: 1, Timeout: 24 * time.Hour, GiveUp: time.Hour})
				defer h.close()
				wait(h)
				typing, message, calls := h.submitTyping("desk"), h.submit("desk", "message"), h.bot.callCount()
				time.Sleep(maxEventWait)
				if o := h.mustOutcome(typing); o.Result != attempt.ResultDead || !o.NotCalled || o.Text == "" {
					t.Errorf("outcome %+v, want a failure without a call, and its cause", o)
				}
				if h.outcome(message) != nil || h.bot.callCount() != calls {
					t.Error("the message must go on waiting")
				}
			})
		})
	}
}

// The engine does not repeat the call of a typing event.
func TestTypingIsCalledOnce(t *testing.T) {
	for name, a := range map[string]callResult{
		"adapter is not ready": notReady(),
		"adapter crashed":      crashed(false),
		"call hung":            broke(plugin.FaultHung, 1),
		"vendor failed":        failedWith("transient", 500),
		"vendor refused":       failedWith("invalid", 400),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "desk", GiveUp: time.Hour})
				defer h.close()
				h.bot.setResults(func(*pluginpb.DeliverCall) callResult {
					defer func() { a = delivered() }()
					return a
				})
				if o := h.mustOutcome(h.submitTyping("desk")); o.Result == attempt.ResultDelivered || o.Error == "" {
					t.Errorf("outcome %+v, want a failure", o)
				}
				if n := h.bot.callCount(); n != 1 {
					t.Errorf("%d calls, want one", n)
				}
			})
		})
	}
}

// Failures of typing events do not open the breaker, because the vendor may accept messages.
func TestBreakerIgnoresFailuresOfTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "desk", GiveUp: time.Hour})
		defer h.close()
		h.bot.finishCalls(failedWith("transient", 500))
		for range 2 * breakerFailures {
			h.mustOutcome(h.submitTyping("desk"))
		}
		h.bot.finishCalls(delivered())
		if o := h.mustOutcome(h.submit("desk", "message")); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v, want delivered", o)
		}
		if s := h.State("desk"); s.Breaker != breakerClosed || len(h.breakers) != 0 {
			t.Errorf("breaker %s, changes %v", s.Breaker, h.breakers)
		}
	})
}
