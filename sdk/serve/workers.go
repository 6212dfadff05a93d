package serve

import (
	"sync"
	"sync/atomic"
)

// maxIdleWorkers limits the idle goroutines after a burst of calls.
const maxIdleWorkers = 256

// workers run functions concurrently, each in a goroutine. Idle goroutines are reused, because their stacks have grown
// to the size for a call. Growing a new stack takes a tenth of a call's time.
type workers struct {
	next chan func() // unbuffered: a send succeeds only if a worker is idle
	end  chan struct{}
	idle atomic.Int64
	all  sync.WaitGroup
}

func newWorkers() *workers { return &workers{next: make(chan func()), end: make(chan struct{})} }

// run starts f and does not block. It must not be called during or after wait.
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

// wait waits until all functions have returned.
func (w *workers) wait() {
	close(w.end)
	w.all.Wait()
}
