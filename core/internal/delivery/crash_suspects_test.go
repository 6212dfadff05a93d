package delivery

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
)

func TestCrashingDeliveryIsFoundAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 10}, Channel{Name: "other", Concurrency: 10})
		defer h.close()
		poison := h.submit("faq", "poison")
		others := []*attempt.Job{h.submit("faq", "a"), h.submit("other", "b"), h.submit("faq", "c")}
		for _, c := range h.bot.takeCalls() { // the process crashed with all calls
			c.answer <- crashed(false)
		}
		for n := 0; h.outcome(poison) == nil; n++ {
			if n > 10 {
				t.Fatal("the delivery was not found in ten calls")
			}
			later := h.submit("other", "later") // must wait
			others = append(others, later)
			calls := h.bot.takeCalls()
			if len(calls) != 1 {
				t.Fatalf("call %d: %d calls in flight, want one suspect", n, len(calls))
			}
			if calls[0].GetKey() == poison.Delivery.ID {
				calls[0].answer <- crashed(true)
			} else {
				calls[0].answer <- delivered()
			}
		}
		if o := h.mustOutcome(poison); o.Result != attempt.ResultDead || o.Error != "killed_adapter" {
			t.Errorf("outcome %+v of the crashing delivery", o)
		}
		for calls := h.bot.takeCalls(); len(calls) > 0; calls = h.bot.takeCalls() {
			for _, c := range calls {
				c.answer <- delivered()
			}
		}
		for i, j := range others {
			if o := h.mustOutcome(j); o.Result != attempt.ResultDelivered {
				t.Errorf("delivery %d: outcome %+v", i, o)
			}
		}
		if !h.IsReachable("faq", time.Minute) {
			t.Error("the breaker is open")
		}
	})
}

func TestSuspectOfPausedChannelDoesNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer h.close()
		suspect := h.submit("faq", "suspect")
		slow := h.submit("faq", "throttled")
		for _, c := range h.bot.takeCalls() {
			if c.GetKey() == suspect.Delivery.ID {
				c.answer <- crashed(false)
			} else {
				c.answer <- throttled(time.Hour, "channel")
			}
			synctest.Wait()
		}
		h.mustOutcome(slow)
		for _, c := range h.bot.takeCalls() { // the suspect may have started before the pause
			c.answer <- notReady()
		}
		other := h.submit("other", "of the same adapter")
		for _, c := range h.bot.takeCalls() {
			c.answer <- delivered()
		}
		if o := h.mustOutcome(other); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v", o)
		}
		h.bot.finishCalls(delivered())
		time.Sleep(time.Hour + time.Second)
		if o := h.mustOutcome(suspect); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v of the suspect after the pause", o)
		}
	})
}

func TestCanceledSuspectIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		j, other := h.submit("faq", "one"), h.submit("faq", "two")
		calls := h.bot.takeCalls()
		h.Cancel(j.Delivery.ID)
		h.mustOutcome(j)
		for _, c := range calls {
			c.answer <- crashed(false)
		}
		again := h.bot.takeCalls()
		if len(again) != 1 || again[0].GetKey() != other.Delivery.ID {
			t.Fatalf("%d calls after the crash, want the other delivery's", len(again))
		}
		h.Cancel(other.Delivery.ID)
		h.mustOutcome(other)
	})
}

func TestBlame(t *testing.T) {
	died := func(weight int) error { return &plugin.BrokeError{Fault: plugin.FaultDied, Weight: weight} }
	for name, tt := range map[string]struct {
		err   error
		times int
		want  bool
	}{
		"one crash alone":                  {died(plugin.WeightCertain), 1, false},
		"two crashes alone":                {died(plugin.WeightCertain), 2, true},
		"three crashes next to webhooks":   {died(plugin.WeightLikely), 3, false},
		"four crashes next to webhooks":    {died(plugin.WeightLikely), 4, true},
		"crashes next to other deliveries": {died(plugin.WeightNone), 100, false},
		"other errors":                     {errors.New("deadline"), 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			task := &task{job: &attempt.Job{}, settings: &Channel{}, ch: &channel{now: time.Now, adapter: &adapterState{}}}
			var r result
			for range tt.times {
				r = result{out: task.unknownOutcome("broke"), err: tt.err}
				task.addBlame(&r)
			}
			if got := r.out.Result == attempt.ResultDead; got != tt.want {
				t.Errorf("given up: %v, want %v (%+v)", got, tt.want, r.out)
			}
		})
	}
}

// The cause of a hang or a panic is certain. So other calls do not wait.
func TestHungOrPanickedDeliveryIsGivenUpWhileOthersRun(t *testing.T) {
	for _, fault := range []plugin.Fault{plugin.FaultHung, plugin.FaultPanicked} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, Channel{Name: "faq", Concurrency: 10})
			defer h.close()
			poison, other := h.submit("faq", "poison"), h.submit("faq", "other")
			for range 2 {
				slow := h.submit("faq", "slow")
				for _, c := range h.bot.takeCalls() {
					switch {
					case c.GetKey() == poison.Delivery.ID:
						c.answer <- broke(fault, plugin.WeightCertain)
					case c.GetKey() == other.Delivery.ID && fault == plugin.FaultHung && c.GetAttempt() == 1:
						c.answer <- broke(fault, plugin.WeightNone)
					default:
						c.answer <- delivered()
					}
				}
				if o := h.mustOutcome(slow); o.Result != attempt.ResultDelivered {
					t.Errorf("%s: outcome %+v of another delivery", fault, o)
				}
			}
			if o := h.mustOutcome(poison); o.Result != attempt.ResultDead || o.Error != "killed_adapter" {
				t.Errorf("%s: outcome %+v", fault, o)
			}
			if !h.IsReachable("faq", time.Minute) {
				t.Errorf("%s: the breaker is open", fault)
			}
		})
	}
}
