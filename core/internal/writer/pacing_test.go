package writer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/store/memory"
)

// calls implements lanes. Each call takes 2 ms and succeeds.
type calls struct {
	fakeLanes
	w *Writer
}

func (c *calls) Submit(j *attempt.Job) {
	time.AfterFunc(2*time.Millisecond, func() { c.w.Finish(outcome(j, attempt.Outcome{Result: attempt.ResultDelivered})) })
}

// accept accepts messages of different customers at random times, on average perSecond per second. An append takes the
// time store. It returns the sorted times until the messages were accepted, and the number of records.
func accept(t *testing.T, perSecond, messages int, store time.Duration) (took []time.Duration, records int) {
	lanes := &calls{}
	h := openHarness(t, func(o *Options) { o.Lanes = lanes })
	lanes.w = h.Writer
	defer h.stop()
	h.log.Hook(func(_ context.Context, op memory.Op) error {
		if op == memory.OpAppend {
			records++
			time.Sleep(store)
		}
		return nil
	})
	var mu sync.Mutex
	var wait sync.WaitGroup
	random := rand.New(rand.NewPCG(1, 2))
	for i := range messages {
		time.Sleep(time.Duration(random.ExpFloat64() * float64(time.Second) / float64(perSecond)))
		in := message(t, "web", fmt.Sprint("w", i%perSecond), fmt.Sprint("m", i), "hello")
		wait.Go(func() {
			began := time.Now()
			if err := h.Accept(context.Background(), []*inbound.Envelope{in}); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
		})
	}
	wait.Wait()
	synctest.Wait()
	time.Sleep(time.Second)
	slices.Sort(took)
	return took, records
}

// TestAcceptWaitsForAtMostTwoSlowAppends checks that the loop does not pause after slow appends.
func TestAcceptWaitsForAtMostTwoSlowAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sync = 5 * time.Millisecond
		took, _ := accept(t, 1000, 1000, sync)
		if p50, slowest := took[len(took)/2], took[len(took)-1]; p50 > 8*time.Millisecond || slowest > 2*sync {
			t.Errorf("accepted after %s (median) and %s (maximum), want 8ms and %s", p50, slowest, 2*sync)
		}
	})
}

// TestOutcomesAreStoredWithInputs checks that few records contain only outcomes.
func TestOutcomesAreStoredWithInputs(t *testing.T) {
	for rate, limit := range map[int]float64{100: 1.15, 300: 0.85, 1000: 0.35} {
		synctest.Test(t, func(t *testing.T) {
			if took, records := accept(t, rate, 1000, 300*time.Microsecond); float64(records) > limit*float64(len(took)) {
				t.Errorf("%d records for %d messages at %d per second", records, len(took), rate)
			}
		})
	}
}
