package plugin

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCallsWaitForEarlierDelayedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q callQueue
		calls := []*callTurn{q.enter(), q.enter(), q.enter(), q.enter()}
		calls[1].delay()
		calls[3].repeat(false)
		if !calls[0].awaitTurn(t.Context()) {
			t.Error("the first call waited")
		}
		var order []int
		var wg sync.WaitGroup
		for _, i := range []int{3, 2, 1} {
			wg.Go(func() {
				if !calls[i].awaitTurn(t.Context()) {
					t.Errorf("call %d did not return", i)
				}
				order = append(order, i)
				calls[i].leave()
			})
			synctest.Wait()
		}
		if len(order) > 0 {
			t.Errorf("%v returned before the first call", order)
		}
		calls[0].leave()
		wg.Wait()
		if diff := cmp.Diff([]int{1, 2, 3}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if q.delayed != 0 || q.calls.Len() != 0 {
			t.Errorf("left: %d calls, %d delayed", q.calls.Len(), q.delayed)
		}
	})
}

func TestSuspectsRunAloneInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q callQueue
		first, second, running, later := q.enter(), q.enter(), q.enter(), q.enter()
		if !running.start() {
			t.Fatal("a call waited without suspects")
		}
		second.repeat(true)
		first.repeat(true)
		var order []string
		var wg sync.WaitGroup
		for name, c := range map[string]*callTurn{"first": first, "second": second, "later": later} {
			wg.Go(func() {
				if !c.awaitStart(t.Context()) {
					t.Errorf("%s did not start", name)
					return
				}
				order = append(order, name)
				if q.running != 1 {
					t.Errorf("%s runs with %d calls", name, q.running-1)
				}
				time.Sleep(time.Second)
				c.stop()
				c.awaitTurn(t.Context())
				c.leave()
			})
		}
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("%v started next to a running call", order)
		}
		running.stop()
		running.leave()
		wg.Wait()
		if diff := cmp.Diff([]string{"first", "second", "later"}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if q.suspects != 0 || q.running != 0 || q.delayed != 0 {
			t.Errorf("left: %d suspects, %d running, %d delayed", q.suspects, q.running, q.delayed)
		}
	})
}

func TestWaitingCallsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q callQueue
		suspect, other := q.enter(), q.enter()
		suspect.repeat(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if other.awaitStart(ctx) || other.awaitTurn(ctx) {
			t.Error("the call did not wait for the suspect")
		}
		other.leave()
		suspect.leave()
		if next := q.enter(); !next.start() || !next.awaitTurn(t.Context()) {
			t.Error("a call waits for calls that have ended")
		}
	})
}

// Webhooks arrive one after the other while the process is killed. Their results are returned in this order.
func TestHeldAndRepeatedCallsKeepTheirOrder(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CrashBudget = 1000 })
	r.ready()
	const n = 300
	var mu sync.Mutex
	var order []string
	var ended atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		if i%75 == 40 {
			wg.Wait() // a second kill during the same call would give it up
			if err := syscall.Kill(r.waitFor("running", Status.AcceptsCalls).PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		wg.Go(func() {
			res, done, err := r.Receive(r.ctx(), webhook("/x", fmt.Sprintf("%03d", i)))
			defer func() { done(); ended.Add(1) }()
			if err != nil {
				t.Errorf("call %d: %v", i, err)
				return
			}
			if len(res.GetEnvelopes()) != 1 {
				t.Errorf("call %d: %d envelopes", i, len(res.GetEnvelopes()))
			}
			mu.Lock()
			order = append(order, fmt.Sprintf("%03d", i))
			mu.Unlock()
		})
		waitFor(t, "the call has returned or is delayed", func() bool {
			r.receives.mu.Lock()
			defer r.receives.mu.Unlock()
			waiting := r.receives.calls.Len()
			return int(ended.Load())+waiting > i && (waiting == 0 || r.receives.calls.Back().Value.(*callTurn).delayed)
		})
	}
	wg.Wait()
	late := 0
	for i, o := range order {
		if o != fmt.Sprintf("%03d", i) {
			late++
		}
	}
	if late > 0 {
		t.Errorf("%d of %d calls are out of order: %v", late, n, order)
	}
}
