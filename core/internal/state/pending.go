package state

import (
	"container/heap"
	"time"
)

// PendingEnvelope is an envelope whose thread is not known yet, or a customer's envelope that waits for a departure.
type PendingEnvelope struct {
	Pos      Position  `json:"p"`
	Channel  string    `json:"ch"`
	Thread   string    `json:"th"`
	Deadline time.Time `json:"d"`
	Bytes    []byte    `json:"b"` // as the adapter encoded it
	ID       string    `json:"id"`
	Hops     int       `json:"h,omitempty"`
	Cause    string    `json:"c,omitempty"`
}

// Pending returns the number of pending envelopes and their first deadline.
func (s *State) Pending() (n int, first time.Time) {
	for len(s.deadlines) > 0 {
		d := s.deadlines[0]
		if s.pending[d.pos] != nil {
			return len(s.pending), d.at
		}
		heap.Pop(&s.deadlines)
	}
	return 0, time.Time{}
}

// PendingReady reports whether there may be pending envelopes that can be admitted now.
func (s *State) PendingReady() bool { return s.pendingReady && len(s.pending) > 0 }

// Pending returns a pending envelope, or nil.
func (l *Layer) Pending(p Position) *PendingEnvelope {
	e, _ := l.pending.get(p)
	return e
}

// EachPending calls f for each pending envelope, in no order.
func (l *Layer) EachPending(f func(*PendingEnvelope)) {
	l.pending.each(func(_ Position, p *PendingEnvelope) { f(p) })
}

// PendingCount returns the number of pending envelopes and their size.
func (l *Layer) PendingCount() (n, bytes int) {
	return l.pending.len(), l.state.pendingCount.bytes + l.pendingCount.bytes
}

// PendingOfChannel returns the number of a channel's pending envelopes.
func (l *Layer) PendingOfChannel(channel string) int {
	return l.state.pendingCount.channels[channel] + l.pendingCount.channels[channel]
}

// PendingOnThread returns the number of a thread's pending envelopes.
func (l *Layer) PendingOnThread(channel, thread string) int {
	k := threadKey{channel, thread}
	return l.state.pendingCount.threads[k] + l.pendingCount.threads[k]
}

// PendingReady reports whether there may be pending envelopes that can be admitted now.
func (l *Layer) PendingReady() bool { return l.pendingReady }

// SetPendingReady sets the result of PendingReady.
func (l *Layer) SetPendingReady(ready bool) { l.pendingReady = ready }

// pendingCount counts pending envelopes, or the difference between two counts.
type pendingCount struct {
	bytes    int
	channels map[string]int
	threads  map[threadKey]int
}

func newPendingCount() pendingCount {
	return pendingCount{channels: map[string]int{}, threads: map[threadKey]int{}}
}

// add counts an envelope n times; -1 removes it.
func (c *pendingCount) add(p *PendingEnvelope, n int) {
	c.bytes += n * len(p.Bytes)
	addTo(c.channels, p.Channel, n)
	addTo(c.threads, threadKey{p.Channel, p.Thread}, n)
}

func (c *pendingCount) merge(d pendingCount) {
	c.bytes += d.bytes
	for k, n := range d.channels {
		addTo(c.channels, k, n)
	}
	for k, n := range d.threads {
		addTo(c.threads, k, n)
	}
}

func addTo[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// deadline is the time at which a pending envelope expires.
type deadline struct {
	at  time.Time
	pos Position
}

// deadlines is a heap. It may contain envelopes that are no longer pending; Pending skips them.
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
