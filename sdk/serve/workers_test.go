package serve

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWorkersRunConcurrentlyAndAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers()
		release := make(chan struct{})
		var ran atomic.Int64
		for range 2 * maxIdleWorkers {
			w.run(func() { ran.Add(1); <-release })
		}
		synctest.Wait()
		if ran.Load() != 2*maxIdleWorkers {
			t.Errorf("only %d run concurrently", ran.Load())
		}
		close(release)
		synctest.Wait()
		if w.idle.Load() != maxIdleWorkers {
			t.Errorf("%d workers are idle", w.idle.Load())
		}
		for range 10 {
			w.run(func() { ran.Add(1) })
		}
		synctest.Wait()
		if w.idle.Load() != maxIdleWorkers || ran.Load() != 2*maxIdleWorkers+10 {
			t.Errorf("%d workers are idle after %d functions", w.idle.Load(), ran.Load())
		}
		w.wait()
	})
}
