package delivery

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
)

func TestConcurrencyLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 2}, Channel{Name: "other", Concurrency: 1})
		defer h.close()
		for i := range 5 {
			h.submit("faq", fmt.Sprint(i))
		}
		h.submit("other", "of the other channel")
		calls := h.bot.takeCalls()
		if len(calls) != 3 {
			t.Fatalf("%d calls in flight, want two and one of the other channel", len(calls))
		}
		if s := h.State("faq"); s.Queued != 3 || s.InFlight != 2 {
			t.Errorf("State: %+v, want 3 jobs queued and 2 calls in flight", s)
		}
		time.Sleep(4 * time.Second)
		for id, calling := range map[string]bool{"d1": true, "d3": false, "unknown": false} {
			if took, ok := h.CallTime(id); ok != calling || calling && took != 4*time.Second {
				t.Errorf("CallTime(%s) = %v, %v; want a call: %v", id, took, ok, calling)
			}
		}
		mine := slices.IndexFunc(calls, func(c *call) bool { return c.GetChannel() == "faq" })
		calls[mine].answer <- delivered()
		if next := h.bot.takeCalls(); len(next) != 1 || next[0].Key != "d3" {
			t.Errorf("%d calls start after one has ended, want the third", len(next))
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 1})
		defer h.close()
		running, queued, last := h.submit("faq", "running"), h.submit("faq", "queued"), h.submit("faq", "last")
		call := h.bot.takeCalls()[0]
		h.Cancel(queued.Delivery.ID)
		h.Cancel("unknown")
		if o := h.mustOutcome(queued); o.Error != "canceled" {
			t.Errorf("outcome %+v of the queued job", o)
		}
		h.Cancel(running.Delivery.ID)
		h.Cancel(running.Delivery.ID)
		synctest.Wait()
		if call.ctx.Err() == nil {
			t.Error("the context of the running call has not ended")
		}
		h.mustOutcome(running)
		if next := h.bot.takeCalls(); len(next) != 1 || next[0].GetKey() != last.Delivery.ID {
			t.Errorf("%d calls start after the canceled one, want the last job's", len(next))
		}
	})
}

func TestCallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Timeout: 3 * time.Second})
		defer h.close()
		j := h.submit("faq", "hello")
		time.Sleep(3*time.Second + time.Millisecond)
		if o := h.mustOutcome(j); o.Result != attempt.ResultRetry || o.Error != "unknown" {
			t.Errorf("outcome %+v, want unknown", o)
		}
	})
}

func TestStopWaitsForRunningCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Concurrency: 1})
		running, queued := h.submit("faq", "running"), h.submit("faq", "queued")
		call := h.bot.takeCalls()[0]
		stopped := make(chan struct{})
		go func() { h.Stop(context.Background()); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("Stop returned while a call was running")
		default:
		}
		late := h.submit("faq", "late")
		call.answer <- delivered()
		<-stopped
		if o := h.mustOutcome(running); o.Result != attempt.ResultDelivered {
			t.Errorf("outcome %+v of the running call", o)
		}
		if h.outcome(queued) != nil || h.outcome(late) != nil {
			t.Error("jobs that have not started have outcomes")
		}
	})
}

func TestStopAbortsCallsAtDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Timeout: time.Hour})
		j := h.submit("faq", "hangs")
		h.bot.takeCalls()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		h.Stop(ctx)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("Stop took %v, want 5 s", took)
		}
		if o := h.mustOutcome(j); o.Error != "unknown" {
			t.Errorf("outcome %+v, want unknown", o)
		}
	})
}

func TestStopKeepsJobsThatHaveNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		j := h.submit("faq", "hello")
		call := h.bot.takeCalls()[0]
		stopped := make(chan struct{})
		go func() { h.Stop(context.Background()); close(stopped) }()
		synctest.Wait()
		call.answer <- notReady()
		<-stopped
		if o := h.outcome(j); o != nil {
			t.Errorf("outcome %+v of a job that has not started", o)
		}
	})
}

func TestUnconfiguredChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq"})
		defer h.close()
		j := h.job("elsewhere", "hello")
		h.Submit(j)
		if o := h.mustOutcome(j); o.Result != attempt.ResultDead || o.Error != "unconfigured" {
			t.Errorf("outcome %+v", o)
		}
		if h.IsReachable("elsewhere", time.Minute) {
			t.Error("an unknown channel is reachable")
		}
	})
}

func TestDeliveryToAnUnavailableChannelIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Channel{Name: "faq", Unavailable: "no program"})
		defer h.close()
		o := h.mustOutcome(h.submit("faq", "hello"))
		if o.Result != attempt.ResultDead || o.Error != "unavailable" || o.Text != "no program" || h.bot.callCount() > 0 {
			t.Errorf("outcome %+v after %d calls", o, h.bot.callCount())
		}
	})
}
