package delivery

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/media"
	"patchbay/core/internal/render"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

const testGiveUp = 5 * time.Second

// wantGivenUp checks that a delivery was given up without a call.
func (h *harness) wantGivenUp(j *attempt.Job, kind string, texts ...string) {
	h.Helper()
	o := h.mustOutcome(j)
	if o.Result != attempt.ResultDead || o.Error != kind || !o.NotCalled {
		h.Errorf("outcome %+v, want dead by %q without a call", o, kind)
	}
	for _, want := range append(texts, "given up after 5s") {
		if !strings.Contains(o.Text, want) {
			h.Errorf("text %q does not contain %q", o.Text, want)
		}
	}
}

// A waiting delivery is given up at its deadline, whatever it waits for.
func TestWaitingDeliveryIsGivenUpAtDeadline(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(h *harness) // makes faq wait; takes no time
		kind    string
		text    string
	}{
		"pause": {func(h *harness) {
			h.bot.finishCalls(throttled(time.Hour, "channel"))
			h.mustOutcome(h.submit("faq", "throttled"))
		}, "throttled", "a pause that the vendor asked for"},
		"breaker": {func(h *harness) {
			h.bot.finishCalls(failedWith("transient", 503))
			for range breakerMinimum {
				h.mustOutcome(h.submit("faq", "fails"))
			}
		}, "transient", "the circuit breaker: transient: no [HTTP 503]"},
		"adapter": {func(h *harness) { h.bot.finishCalls(notReady()) }, "transient", "adapter is not ready"},
		"concurrency": {func(h *harness) {
			for range 4 {
				h.submit("faq", "hangs")
			}
		}, "transient", "4 are in flight"},
		"suspects": {func(h *harness) {
			h.submit("other", "suspect")
			h.submit("other", "suspect")
			for _, c := range h.bot.takeCalls() {
				c.answer <- crashed(false)
			}
			h.bot.takeCalls() // the first suspect runs alone
		}, "transient", "the search for a call that crashed the adapter"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp, Timeout: time.Minute},
					Channel{Name: "other", Timeout: time.Minute})
				defer h.close()
				tc.prepare(h)
				j := h.submit("faq", "waits")
				time.Sleep(testGiveUp - time.Millisecond)
				if o := h.outcome(j); o != nil {
					t.Fatalf("outcome %+v before the deadline", o)
				}
				time.Sleep(time.Millisecond)
				h.wantGivenUp(j, tc.kind, tc.text)
			})
		})
	}
}

// A crash suspect that waits for its repetition is given up at its deadline.
func TestSuspectIsGivenUpAtDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp, Timeout: time.Minute})
		defer h.close()
		first, second := h.submit("faq", "first"), h.submit("faq", "second")
		for _, c := range h.bot.takeCalls() {
			c.answer <- crashed(false)
		}
		running := h.bot.takeCalls()
		if len(running) != 1 {
			t.Fatalf("%d suspects run, want one", len(running))
		}
		waiting := second
		if running[0].GetKey() == second.Delivery.ID { // the calls end in any order
			waiting = first
		}
		time.Sleep(testGiveUp)
		h.wantGivenUp(waiting, "transient", "the search for a call that crashed the adapter")
	})
}

func TestRunningCallIsNotAbortedAtDeadline(t *testing.T) {
	for name, tc := range map[string]struct {
		a    callResult
		want attempt.Result
	}{
		"delivered": {delivered(), attempt.ResultDelivered}, "failed": {failed("transient"), attempt.ResultDead},
		"adapter away": {notReady(), attempt.ResultDead}, "adapter crashed": {crashed(false), attempt.ResultDead},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp, Timeout: time.Minute})
				defer h.close()
				j := h.submit("faq", "slow")
				call := h.bot.takeCalls()[0]
				time.Sleep(2 * testGiveUp)
				if o := h.outcome(j); o != nil || call.ctx.Err() != nil {
					t.Fatalf("outcome %+v, context %v while the call runs", o, call.ctx.Err())
				}
				call.answer <- tc.a
				if o := h.mustOutcome(j); o.Result != tc.want {
					t.Errorf("outcome %+v", o)
				}
			})
		})
	}
}

func TestRetryIsNotLaterThanDeadline(t *testing.T) {
	for name, a := range map[string]callResult{
		"throttled": throttled(time.Hour, "lane"), "unauthorized": failed("unauthorized"),
		"retry after": {res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: "transient",
			After: throttled(time.Hour, "").res.Error.After}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp})
			defer h.close()
			h.bot.finishCalls(a)
			j := h.submit("faq", "hello")
			o := h.mustOutcome(j)
			if o.Result != attempt.ResultRetry || time.Until(o.Next) > testGiveUp {
				t.Fatalf("%s: outcome %+v, want a retry before the deadline", name, o)
			}
			time.Sleep(testGiveUp)
			calls := h.bot.callCount()
			j.Delivery.Error, j.Delivery.Text = o.Error, o.Text
			again := h.repeat(j)
			h.wantGivenUp(again, o.Error, "last error: ")
			if n := h.bot.callCount() - calls; n != 0 {
				t.Errorf("%s: %d calls at the deadline, want none", name, n)
			}
		})
	}
}

// A delivery that reaches the head of its lane after its deadline gets one attempt if the channel is free.
func TestOverdueDeliveryWithoutAttemptIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp, Concurrency: 1})
		defer h.close()
		time.Sleep(time.Hour)
		first, second := h.job("faq", "first"), h.job("faq", "second")
		first.Delivery.QueuedAt, second.Delivery.QueuedAt = time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)
		h.Submit(first)
		h.Submit(second)
		h.bot.takeCalls()[0].answer <- delivered()
		if o := h.mustOutcome(first); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v", o)
		}
		if o := h.mustOutcome(second); o.Result != attempt.ResultDead {
			t.Errorf("outcome %+v of the second delivery, for which the channel has no room", o)
		}
	})
}

// The time in which the gateway did not run does not count towards the deadline.
func TestOldDeliveriesHaveTimeAfterStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: time.Hour})
		defer h.close()
		h.bot.finishCalls(notReady()) // the adapter is starting
		j := h.job("faq", "hello")
		j.Delivery.QueuedAt, j.Delivery.Error = time.Now().Add(-24*time.Hour), "transient"
		h.Submit(j)
		time.Sleep(startGrace - time.Second)
		if o := h.outcome(j); o != nil {
			t.Fatalf("outcome %+v while the gateway starts", o)
		}
		time.Sleep(time.Second)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDead {
			t.Errorf("outcome %+v, want dead", o)
		}
	})
}

func TestMediaAreReadBeforeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}}
		h := newMediaHarness(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink,
			GiveUp: testGiveUp}, v)
		defer h.close()
		h.bot.finishCalls(delivered())
		j := h.submitEnvelope(deskMessage(image("slow")), 0, 1)
		time.Sleep(testGiveUp)
		o := h.outcomeOf(j)
		if o == nil || o.Result != attempt.ResultDelivered || o.Degraded == "" {
			t.Errorf("outcome %+v, want delivered with a text instead of the medium", o)
		}
	})
}

func TestPauseIsBounded(t *testing.T) {
	const day = 24 * time.Hour
	for name, a := range map[string]callResult{
		"channel": throttled(day, "channel"), "conversation": throttled(day, "lane"),
		"unavailable": {res: &pluginpb.DeliverResult{Error: &pluginpb.Error{Kind: "transient", Status: 503,
			After: throttled(day, "").res.Error.After}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq", GiveUp: day, MaxPause: 2 * time.Minute})
			defer h.close()
			h.bot.finishCalls(a)
			o := h.mustOutcome(h.submit("faq", "hello"))
			if wait := time.Until(o.Next); wait != 2*time.Minute {
				t.Errorf("%s: next attempt in %s, want 2m", name, wait)
			}
			if pause := h.State("faq").Pause; pause > 2*time.Minute || name == "channel" && pause != 2*time.Minute {
				t.Errorf("%s: paused for %s", name, pause)
			}
		})
	}
}

func TestChannelIsUnreachableDuringLongPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		h.bot.finishCalls(throttled(time.Minute, "channel"))
		h.mustOutcome(h.submit("faq", "hello"))
		if h.IsReachable("faq", time.Minute) || !h.IsReachable("faq", time.Minute+time.Second) {
			t.Error("IsReachable ignores the length of the pause")
		}
	})
}

// Stored times are times of the gateway's clock. It differs from the system's clock after the system's clock was set.
func TestStoredTimesAreOfTheGatewaysClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		h.close()
		now := func() time.Time { return time.Now().Add(3 * time.Hour) }
		h.Engine = New(Options{Channels: []Channel{{Name: "faq", Adapter: "bot", Caller: h.bot, GiveUp: testGiveUp,
			Timeout: time.Minute, Concurrency: 1}}, Load: h.load, Finish: h.finish, Observer: h, Now: now})
		defer h.close()
		h.bot.finishCalls(failedWith("transient", 200))
		j := h.job("faq", "hello")
		j.Delivery.QueuedAt = now()
		h.Submit(j)
		if o := h.mustOutcome(j); o.Next.Sub(now()) <= 0 || o.Next.Sub(now()) > 2*backoffBase {
			t.Errorf("next attempt at %s, now is %s", o.Next, now())
		}
		h.bot.finishCalls(notReady())
		waits := h.job("faq", "waits")
		waits.Delivery.QueuedAt = now()
		h.Submit(waits)
		time.Sleep(testGiveUp)
		h.wantGivenUp(waits, "transient", "adapter is not ready")
		h.bot.finishCalls(delivered())
		overdue := h.job("faq", "overdue")
		overdue.Delivery.QueuedAt, overdue.Delivery.Error = now().Add(-testGiveUp), "transient"
		h.Submit(overdue)
		h.wantGivenUp(overdue, "transient", "last error: ")
	})
}

// slowMedia waits for delay, and then returns the error of its context.
type slowMedia struct{ delay time.Duration }

func (m slowMedia) Get(ctx context.Context, _ media.Request, _ media.Limit) (*media.Item, error) {
	time.Sleep(m.delay)
	return nil, ctx.Err()
}

func (slowMedia) Link(*media.Item) string { return "" }

// If media are read until after the deadline, the delivery is given up too.
func TestDeadlinePassesWhileMediaAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp, Target: render.Target{Parts: images},
			Media: sdk.MediaLink}, Channel{Name: "desk"})
		defer h.close()
		h.Media = slowMedia{delay: testGiveUp + time.Second}
		h.bot.finishCalls(throttled(time.Hour, "channel"))
		h.mustOutcome(h.submit("faq", "throttled"))
		d := h.submitEnvelope(deskMessage(image("slow")), 0, 1)
		time.Sleep(testGiveUp + 2*time.Second)
		o := h.outcomeOf(d)
		if o == nil || o.Result != attempt.ResultDead || o.Error != string(sdk.KindThrottled) || !o.NotCalled {
			t.Errorf("outcome %+v, want given up during the pause", o)
		}
	})
}

func TestGiveUpDoesNotCountTheWaitForTheHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", GiveUp: testGiveUp})
		defer h.close()
		time.Sleep(startGrace)
		h.bot.finishCalls(notReady())
		j := h.job("faq", "an offline message")
		j.Delivery.QueuedAt, j.Waited = time.Now().Add(-9*time.Hour), 9*time.Hour
		h.Submit(j)
		time.Sleep(testGiveUp - time.Millisecond)
		if o := h.outcome(j); o != nil {
			t.Fatalf("outcome %+v before the deadline", o)
		}
		time.Sleep(time.Millisecond)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDead {
			t.Errorf("outcome %+v, want given up", o)
		}
	})
}
