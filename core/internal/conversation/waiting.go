package conversation

import (
	"container/heap"
	"time"
)

// orphanCount counts the envelopes that wait for their thread, or how many more wait.
type orphanCount struct {
	bytes    int
	channels map[string]int
	threads  map[ThreadKey]int
}

func newOrphanCount() orphanCount {
	return orphanCount{channels: map[string]int{}, threads: map[ThreadKey]int{}}
}

// add counts an envelope n times; -1 takes it out.
func (c *orphanCount) add(o *PendingEnvelope, n int) {
	c.bytes += n * len(o.Bytes)
	change(c.channels, o.Channel, n)
	change(c.threads, o.key(), n)
}

func (c *orphanCount) merge(d orphanCount) {
	c.bytes += d.bytes
	for k, n := range d.channels {
		change(c.channels, k, n)
	}
	for k, n := range d.threads {
		change(c.threads, k, n)
	}
}

func change[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// Orphans returns the number of envelopes that wait for their thread, and the first deadline.
func (b *State) Pending() (n int, first time.Time) {
	for len(b.deadlines) > 0 {
		d := b.deadlines[0]
		if b.orphans[d.pos] != nil {
			return len(b.orphans), d.at
		}
		heap.Pop(&b.deadlines)
	}
	return 0, time.Time{}
}

// Unadopted reports whether envelopes may wait whose thread is known, see Turn.Adopt.
func (b *State) PendingReady() bool { return b.unadopted && len(b.orphans) > 0 }

// deadline is when an envelope is given up if it still waits.
type deadline struct {
	at  time.Time
	pos Position
}

// deadlines is a heap. Envelopes that don't wait any more leave it when their time comes.
type deadlines []deadline

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)        { *d = append(*d, x.(deadline)) }
func (d *deadlines) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}
