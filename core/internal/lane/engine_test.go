package lane

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/delivery"
	"patchbay/sdk/protocol/pluginpb"
)

func TestConcurrencyLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Concurrency: 2}, Channel{Name: "other", Concurrency: 1})
		defer b.close()
		for i := range 5 {
			b.submit("faq", fmt.Sprint(i))
		}
		b.submit("other", "not held up")
		calls := b.bot.take()
		if len(calls) != 3 {
			t.Fatalf("%d calls at once, want two and one of the other channel", len(calls))
		}
		if _, _, waiting, running := b.State("faq"); waiting != 3 || running != 2 {
			t.Errorf("State: %d wait, %d run, want 3 and 2", waiting, running)
		}
		mine := slices.IndexFunc(calls, func(c *call) bool { return c.GetChannel() == "faq" })
		calls[mine].answer <- delivered()
		if next := b.bot.take(); len(next) != 1 || next[0].Key != "d3" {
			t.Errorf("after one has ended %d begin, want the third", len(next))
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Rate: 2, Concurrency: 100})
		defer b.close()
		b.bot.always(delivered())
		for i := range 10 {
			b.submit("faq", fmt.Sprint(i))
		}
		for second, want := range []int{2, 4, 6, 8, 10} {
			if got := b.bot.count(); got != want {
				t.Errorf("%d calls after %d s, want %d", got, second, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer b.close()
		b.bot.always(refused("transient"))
		for range breakerFailures {
			if !b.Reachable("faq") {
				t.Fatal("not reachable before the breaker opened")
			}
			b.must(b.submit("faq", "hello"))
		}
		if b.Reachable("faq") || !b.Reachable("other") {
			t.Errorf("reachable: faq %v, other %v; want only the other", b.Reachable("faq"), b.Reachable("other"))
		}
		if state, _, _, _ := b.State("faq"); state != "open" {
			t.Errorf("State says %q, want open", state)
		}
		calls := b.bot.count()
		j := b.submit("faq", "waits")
		time.Sleep(breakerOpen - time.Second)
		if b.outcome(j) != nil || b.bot.count() != calls {
			t.Error("a call was made, or an attempt burnt, while the breaker was open")
		}
		time.Sleep(2 * time.Second) // half open: one call tries
		if o := b.must(j); o.Result != delivery.ResultRetry || b.bot.count() != calls+1 {
			t.Errorf("half open: outcome %+v after %d calls, want one call that fails", o, b.bot.count()-calls)
		}
		b.bot.by(nil)
		first, second := b.submit("faq", "first"), b.submit("faq", "second")
		time.Sleep(breakerOpen + time.Second)
		tries := b.bot.take()
		if len(tries) != 1 {
			t.Fatalf("%d calls while half open, want one", len(tries))
		}
		tries[0].answer <- delivered()
		b.bot.always(delivered())
		b.bot.count()
		time.Sleep(time.Second)
		if b.must(first).Result != delivery.ResultDelivered || b.must(second).Result != delivery.ResultDelivered {
			t.Error("not delivered after the vendor came back")
		}
		want := []string{"faq open", "faq half-open", "faq open", "faq half-open", "faq closed"}
		if diff := cmp.Diff(want, b.breakers); diff != "" {
			t.Errorf("the observer was told (-want +got):\n%s", diff)
		}
	})
}

func TestBreakerCountsOnlyTheVendor(t *testing.T) {
	for name, a := range map[string]answer{
		"throttled": throttled(time.Millisecond, "lane"), "permanent": refused("permanent"), "gone": refused("gone"), "declined": refused("declined"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Channel{Name: "faq"})
				defer b.close()
				b.bot.always(a)
				for range 3 * breakerFailures {
					b.must(b.submit("faq", "hello"))
				}
				if !b.Reachable("faq") {
					t.Errorf("the breaker opened: %q says nothing against the vendor", name)
				}
			})
		})
	}
}

func TestBreakerStaysClosedWhenTheAdapterDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Concurrency: 2 * breakerFailures})
		defer b.close()
		for range 2 * breakerFailures {
			b.submit("faq", "hello")
		}
		for _, c := range b.bot.take() { // one process died, and all calls with it
			c.answer <- died(false)
		}
		synctest.Wait()
		if !b.Reachable("faq") {
			t.Error("the breaker opened: the vendor is held to account for its adapter")
		}
		for calls := b.bot.take(); len(calls) > 0; calls = b.bot.take() {
			for _, c := range calls {
				c.answer <- delivered()
			}
		}
	})
}

func TestThrottleOfTheChannelPausesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer b.close()
		b.bot.always(throttled(time.Minute, "channel"))
		b.must(b.submit("faq", "too fast"))
		b.bot.always(delivered())
		j := b.submit("faq", "waits")
		b.must(b.submit("other", "does not"))
		if _, paused, _, _ := b.State("faq"); paused != time.Minute {
			t.Errorf("State says paused for %v, want a minute", paused)
		}
		time.Sleep(time.Minute - time.Second)
		if o := b.outcome(j); o != nil {
			t.Fatalf("outcome %+v during the pause", o)
		}
		time.Sleep(2 * time.Second)
		if o := b.must(j); o.Result != delivery.ResultDelivered {
			t.Errorf("outcome %+v after the pause", o)
		}
	})
}

func TestThrottleOfOneConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"})
		defer b.close()
		b.bot.always(throttled(time.Minute, "lane"))
		b.must(b.submit("faq", "too fast"))
		b.bot.always(delivered())
		b.must(b.submit("faq", "another conversation"))
	})
}

func TestAdapterAwayBurnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"})
		defer b.close()
		b.bot.always(away())
		first, second := b.submit("faq", "first"), b.submit("faq", "second")
		time.Sleep(10 * time.Second)
		if n := b.bot.count(); n > 2*int(10*time.Second/notReadyPause)+4 {
			t.Errorf("%d looks in 10 s: a busy loop", n)
		}
		if b.outcome(first) != nil || b.outcome(second) != nil || len(b.attempted()) != 0 || !b.Reachable("faq") {
			t.Errorf("waiting for the adapter counted: attempts %v, reachable %v", b.attempted(), b.Reachable("faq"))
		}
		var order []string
		b.bot.by(func(c *pluginpb.DeliverCall) answer { order = append(order, c.GetKey()); return delivered() })
		time.Sleep(2 * notReadyPause)
		if o := b.must(first); o.Result != delivery.ResultDelivered {
			t.Errorf("outcome %+v once the adapter is back", o)
		}
		b.must(second)
		if slices.Sort(order); !slices.Equal(order, []string{"d1", "d2"}) {
			t.Errorf("calls %v, want each once", order)
		}
	})
}

func TestWhoKillsTheAdapterIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Concurrency: 10}, Channel{Name: "other", Concurrency: 10})
		defer b.close()
		poison := b.submit("faq", "poison")
		innocent := []*delivery.Job{b.submit("faq", "a"), b.submit("other", "b"), b.submit("faq", "c")}
		for _, c := range b.bot.take() { // one process died, and all calls with it
			c.answer <- died(false)
		}
		for turn := 0; b.outcome(poison) == nil; turn++ {
			if turn > 10 {
				t.Fatal("the killer was not found in ten turns")
			}
			later := b.submit("other", "later") // must not disturb
			innocent = append(innocent, later)
			calls := b.bot.take()
			if len(calls) != 1 {
				t.Fatalf("turn %d: %d calls at once, want the suspect alone", turn, len(calls))
			}
			if calls[0].GetKey() == poison.Delivery.ID {
				calls[0].answer <- died(true)
			} else {
				calls[0].answer <- delivered()
			}
		}
		if o := b.must(poison); o.Result != delivery.ResultDead || o.Error != "killed_adapter" {
			t.Errorf("the killer's outcome is %+v", o)
		}
		for calls := b.bot.take(); len(calls) > 0; calls = b.bot.take() {
			for _, c := range calls {
				c.answer <- delivered()
			}
		}
		for i, j := range innocent {
			if o := b.must(j); o.Result != delivery.ResultDelivered {
				t.Errorf("innocent %d: outcome %+v", i, o)
			}
		}
		if !b.Reachable("faq") {
			t.Error("the breaker is open though the vendor did nothing wrong")
		}
	})
}

func TestSuspectOfAPausedChannelHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"}, Channel{Name: "other"})
		defer b.close()
		suspect := b.submit("faq", "suspect")
		slow := b.submit("faq", "throttled")
		for _, c := range b.bot.take() {
			if c.GetKey() == suspect.Delivery.ID {
				c.answer <- died(false)
			} else {
				c.answer <- throttled(time.Hour, "channel")
			}
			synctest.Wait()
		}
		b.must(slow)
		for _, c := range b.bot.take() { // the suspect may have been begun before the vendor asked for the pause
			c.answer <- away()
		}
		other := b.submit("other", "of the same adapter")
		for _, c := range b.bot.take() {
			c.answer <- delivered()
		}
		if o := b.must(other); o.Result != delivery.ResultDelivered {
			t.Errorf("outcome %+v", o)
		}
		b.bot.always(delivered())
		time.Sleep(time.Hour + time.Second)
		if o := b.must(suspect); o.Result != delivery.ResultDelivered {
			t.Errorf("the suspect's outcome after the pause: %+v", o)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Concurrency: 1})
		defer b.close()
		running, queued, last := b.submit("faq", "running"), b.submit("faq", "queued"), b.submit("faq", "last")
		call := b.bot.take()[0]
		b.Cancel(queued.Delivery.ID)
		b.Cancel("unknown")
		if o := b.must(queued); o.Error != "cancelled" {
			t.Errorf("a queued job's outcome is %+v", o)
		}
		b.Cancel(running.Delivery.ID)
		b.Cancel(running.Delivery.ID)
		synctest.Wait()
		if call.ctx.Err() == nil {
			t.Error("the running call's context goes on")
		}
		b.must(running)
		if next := b.bot.take(); len(next) != 1 || next[0].GetKey() != last.Delivery.ID {
			t.Errorf("%d calls begin after the cancelled one, want the last job's", len(next))
		}
	})
}

func TestCancelledSuspectIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"})
		defer b.close()
		j, other := b.submit("faq", "one"), b.submit("faq", "two")
		calls := b.bot.take()
		b.Cancel(j.Delivery.ID)
		b.must(j)
		for _, c := range calls {
			c.answer <- died(false)
		}
		again := b.bot.take()
		if len(again) != 1 || again[0].GetKey() != other.Delivery.ID {
			t.Fatalf("%d calls after the death, want the other's", len(again))
		}
		b.Cancel(other.Delivery.ID)
		b.must(other)
	})
}

func TestTimeoutOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Timeout: 3 * time.Second})
		defer b.close()
		j := b.submit("faq", "hello")
		time.Sleep(3*time.Second + time.Millisecond)
		if o := b.must(j); o.Result != delivery.ResultRetry || o.Error != "unknown" {
			t.Errorf("outcome %+v, want unknown: it may have happened", o)
		}
	})
}

func TestStopWaitsForRunningCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Concurrency: 1})
		running, queued := b.submit("faq", "running"), b.submit("faq", "queued")
		call := b.bot.take()[0]
		stopped := make(chan struct{})
		go func() { b.Stop(context.Background()); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("Stop returned while a call was running")
		default:
		}
		late := b.submit("faq", "late")
		call.answer <- delivered()
		<-stopped
		if o := b.must(running); o.Result != delivery.ResultDelivered {
			t.Errorf("the running call's outcome is %+v", o)
		}
		if b.outcome(queued) != nil || b.outcome(late) != nil {
			t.Error("jobs that were not begun have outcomes; they should be in the log only")
		}
	})
}

func TestStopCancelsWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq", Timeout: time.Hour})
		j := b.submit("faq", "hangs")
		b.bot.take()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		b.Stop(ctx)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("Stop took %v, want 5 s", took)
		}
		if o := b.must(j); o.Error != "unknown" {
			t.Errorf("outcome %+v, want unknown", o)
		}
	})
}

func TestStopWhileTheAdapterIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Channel{Name: "faq"})
		j := b.submit("faq", "hello")
		call := b.bot.take()[0]
		stopped := make(chan struct{})
		go func() { b.Stop(context.Background()); close(stopped) }()
		synctest.Wait()
		call.answer <- away()
		<-stopped
		if o := b.outcome(j); o != nil {
			t.Errorf("outcome %+v burns an attempt though nothing was tried", o)
		}
	})
}
