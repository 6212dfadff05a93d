package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Bounds of the garbage collector: the heap may grow by heapRoom before a collection, but by at least half of its size
// and at most four times its size.
const (
	heapRoom     = 64 << 20
	heapEvery    = 5 * time.Second
	minGCPercent = 50
	maxGCPercent = 400
)

// adjustCollector adapts the garbage collector to the size of the heap: the collector runs rarely while the heap is
// small, and keeps the memory within bounds while the heap is large. It does nothing if GOGC is set; GOMEMLIMIT applies
// in any case.
func adjustCollector(ctx context.Context) {
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

// gcPercent returns the growth of the heap between collections, in percent of the live bytes.
func gcPercent(live uint64) int {
	if live == 0 {
		return maxGCPercent
	}
	return int(min(max(heapRoom*100/live, minGCPercent), maxGCPercent))
}
