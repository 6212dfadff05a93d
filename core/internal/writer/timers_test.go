package writer

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/core/internal/store/memory"
)

// unanswered returns a rule for customers' messages without an answer.
func unanswered(after time.Duration) route.Rule {
	return route.Rule{
		Name: fmt.Sprintf("silent-%d", int(after.Seconds())), Events: []route.Event{route.EventUnanswered}, After: after,
		Say: route.Say{Default: "One moment, please."},
	}
}

// timersDone returns the times at which rules of timers have run, and their number by conversation.
func (h *harness) timersDone() (at []time.Time, conversations map[string]int) {
	conversations = map[string]int{}
	for _, c := range h.commits.all() {
		for _, ch := range c.Record.GetChanges() {
			if ch.GetTimerDone() != nil {
				at = append(at, time.Unix(0, c.Record.GetAt()))
				conversations[ch.GetConversation()]++
			}
		}
	}
	return at, conversations
}

// mostInASecond returns the maximum number of times within one second.
func mostInASecond(times []time.Time) int {
	most, first := 0, 0
	for i, at := range times {
		for at.Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// unansweredHarness returns a harness with an unanswered message in each of n conversations.
func unansweredHarness(t *testing.T, n int, rules ...route.Rule) *harness {
	t.Helper()
	h := openHarness(t, func(o *Options) { o.Policy.Routes = compileRules(t, rules...) })
	for i := range n {
		h.customer(fmt.Sprint("w", i), "m1", "hello")
	}
	for j := h.lanes.take("faq"); j != nil; j = h.lanes.take("faq") {
		h.finish(j, attempt.Outcome{Result: attempt.ResultDelivered})
	}
	return h
}

func TestTimersRunAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := unansweredHarness(t, 1, unanswered(10*time.Second), unanswered(30*time.Second))
		defer h.stop()
		since := h.conv("w0").UnansweredSince
		time.Sleep(time.Minute)
		at, _ := h.timersDone()
		if len(at) != 2 {
			t.Fatalf("%d timers, want 2", len(at))
		}
		for i, after := range []time.Duration{10 * time.Second, 30 * time.Second} {
			if late := at[i].Sub(since.Add(after)); late < 0 || late > 10*time.Millisecond {
				t.Errorf("timer %d came %v after its time", i, late)
			}
		}
	})
}

// The gateway is down for 20 minutes. The timers that became due in this time cause no burst, and each runs once.
func TestOverdueTimersAfterAStart(t *testing.T) {
	const n = 450
	synctest.Test(t, func(t *testing.T) {
		h := unansweredHarness(t, n, unanswered(30*time.Second), unanswered(10*time.Minute))
		if at, _ := h.timersDone(); len(at) > 0 {
			t.Fatal("timers were run before the stop")
		}
		h.crash()
		time.Sleep(20 * time.Minute)
		h.open()
		started := h.Now()
		time.Sleep(30*time.Second - time.Millisecond)
		if at, _ := h.timersDone(); len(at) > 0 {
			t.Fatalf("%d timers in the first 30s", len(at))
		}
		time.Sleep(5 * time.Minute)
		at, conversations := h.timersDone()
		if len(at) != 2*n || len(conversations) != n {
			t.Errorf("%d timers in %d conversations, want 2 in each of %d", len(at), len(conversations), n)
		}
		if got := at[n].Sub(started); got < time.Minute {
			t.Errorf("a timer of 10m came %v after the start, want at least 1m", got)
		}
		if most := mostInASecond(at); most > 100 || most < 90 {
			t.Errorf("%d timers in a second, want at most 100, and nearly as many", most)
		}
		if last := at[len(at)-1].Sub(started); last > time.Minute+n*time.Second/90 {
			t.Errorf("the last timer came %v after the start", last)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

// Answers that vendors could not send while the gateway was down are processed before overdue timers, also if the disk
// is slow when the timers are due.
func TestOverdueTimersOvertakeNoInput(t *testing.T) {
	const n = maxInputs + 100 // more than one record
	synctest.Test(t, func(t *testing.T) {
		h := unansweredHarness(t, n, unanswered(30*time.Second))
		threads := make([]string, n)
		for i := range n {
			threads[i] = h.conv(fmt.Sprint("w", i)).CustomerID()
		}
		h.crash()
		time.Sleep(20 * time.Minute)
		h.open()
		defer h.stop()
		disk := make(chan struct{})
		h.log.Hook(func(_ context.Context, op memory.Op) error {
			if op == memory.OpAppend {
				<-disk
			}
			return nil
		})
		h.acceptInBackground(message(t, "web", "other", "m1", "hello")) // this record waits for the disk
		time.Sleep(time.Minute)
		for i, thread := range slices.Backward(threads) { // the first timers belong to the last answers
			h.acceptInBackground(message(t, "faq", thread, fmt.Sprint("a", i), "good day"))
		}
		close(disk)
		time.Sleep(time.Minute)
		for i := range n {
			if !h.conv(fmt.Sprint("w", i)).UnansweredSince.IsZero() {
				t.Fatalf("the answer of w%d was not accepted", i)
			}
		}
		if _, conversations := h.timersDone(); len(conversations) != 1 {
			t.Errorf("timers in %d conversations, want only in the one without an answer", len(conversations))
		}
	})
}

// An overdue timer of a conversation does not delay the conversation's offer if the offer has a shorter time.
func TestOfferDoesNotWaitForAnOverdueTimer(t *testing.T) {
	loose := route.NewOffer("desk")
	loose.Hold, loose.Within = false, 20*time.Second
	synctest.Test(t, func(t *testing.T) {
		h := unansweredHarness(t, 1, unanswered(30*time.Second), route.Rule{
			Name: "loose", From: []string{"customer"}, When: `text == "loose"`, Offer: loose,
		})
		h.customer("w0", "m2", "loose")
		h.crash()
		time.Sleep(time.Hour)
		h.open()
		defer h.stop()
		time.Sleep(loose.Within + time.Second)
		if h.conv("w0").Offer != nil {
			t.Error("the offer has not expired")
		}
	})
}

func TestTimersOfARevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := unansweredHarness(t, 1)
		defer h.stop()
		time.Sleep(5 * time.Minute)
		r := h.revision()
		r.Policy.Routes = compileRules(t, unanswered(10*time.Second), unanswered(3*time.Minute), unanswered(6*time.Minute))
		if _, err := h.Revise(r); err != nil {
			t.Fatal(err)
		}
		revised := h.Now()
		time.Sleep(3 * time.Minute)
		at, _ := h.timersDone()
		var got []string
		for _, a := range at {
			got = append(got, a.Sub(revised).Round(time.Second).String())
		}
		if fmt.Sprint(got) != "[10s 1m0s 1m0s]" {
			t.Errorf("timers %v after the revision, want 10s and 1m, and 1m for the one that is due at 6m", got)
		}
	})
}

func TestTimersSurviveAFailedCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := unansweredHarness(t, 1, unanswered(30*time.Second))
		defer h.stop()
		time.Sleep(29 * time.Second)
		h.log.Fail(memory.Full, memory.Full)
		time.Sleep(10 * time.Second)
		if at, _ := h.timersDone(); len(at) != 1 {
			t.Errorf("%d timers, want 1", len(at))
		}
	})
}

func TestUndecidableTimerIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var panics atomic.Bool
		panics.Store(true)
		offer := route.NewOffer("desk")
		h := openHarness(t, func(o *Options) {
			o.Policy.Reachable = func(string, time.Duration) bool {
				if panics.Load() {
					panic("cannot be decided")
				}
				return true
			}
			o.Policy.Routes = compileRules(t, route.Rule{
				Name: "silent", Events: []route.Event{route.EventUnanswered}, After: 10 * time.Second, Offer: offer,
			})
		})
		defer h.stop()
		h.customer("w1", "m1", "hello")
		time.Sleep(15 * time.Second)
		h.customer("w2", "m1", "the loop goes on")
		panics.Store(false)
		time.Sleep(time.Minute)
		if c := h.conv("w1"); c.Offer == nil {
			t.Error("the timer was not tried again")
		}
	})
}
