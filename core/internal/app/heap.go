package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Bounds of the collector's pace: a small heap may grow by heapRoom before it is collected, a large one by half.
const (
	heapRoom     = 96 << 20
	heapEvery    = 5 * time.Second
	minGCPercent = 50
	maxGCPercent = 400
)

// paceHeap keeps the garbage collector from running many times a second while the heap is small, and the memory
// within bounds when it is large. GOGC in the environment wins, and GOMEMLIMIT is obeyed in any case.
func paceHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	debug.SetGCPercent(maxGCPercent)
	for {
		select {
		case <-tick.C:
			metrics.Read(sample)
			debug.SetGCPercent(gcPercent(sample[0].Value.Uint64()))
		case <-ctx.Done():
			return
		}
	}
}

// gcPercent returns how much the heap may grow, in percent of what is live.
func gcPercent(live uint64) int {
	if live == 0 {
		return maxGCPercent
	}
	return int(min(max(heapRoom*100/live, minGCPercent), maxGCPercent))
}
