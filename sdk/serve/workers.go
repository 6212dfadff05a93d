package serve

import (
	"sync"
	"sync/atomic"
)

// maxIdleWorkers bounds the goroutines that wait for calls after a burst.
const maxIdleWorkers = 256

// workers run functions at once, each in a goroutine of its own. A goroutine that is done waits for the next function:
// its stack has grown to what a call needs, and growing it anew is a tenth of a call's cost.
type workers struct {
	next chan func() // unbuffered: a send succeeds only if a worker waits
	end  chan struct{}
	idle atomic.Int64
	all  sync.WaitGroup
}

func newWorkers() *workers { return &workers{next: make(chan func()), end: make(chan struct{})} }

// run starts f. It never blocks. It must not be called at the same time as, or after, wait.
func (w *workers) run(f func()) {
	select {
	case w.next <- f:
	default:
		w.all.Go(func() { w.loop(f) })
	}
}

func (w *workers) loop(f func()) {
	for {
		f()
		if w.idle.Add(1) > maxIdleWorkers {
			w.idle.Add(-1)
			return
		}
		select {
		case f = <-w.next:
			w.idle.Add(-1)
		case <-w.end:
			return
		}
	}
}

// wait returns when all functions have returned.
func (w *workers) wait() {
	close(w.end)
	w.all.Wait()
}
