package writer

import (
	"container/heap"
	"time"
)

// schedule holds at most one time per conversation. Setting one takes O(log n). Replaced times stay in the heap and are
// skipped when they are due.
type schedule struct {
	heap scheduleHeap
	at   map[string]time.Time
}

type scheduleEntry struct {
	at   time.Time
	conv string
}

func newSchedule() schedule { return schedule{at: map[string]time.Time{}} }

// set sets the time of a conversation. The zero time removes it.
func (s *schedule) set(conv string, at time.Time) {
	if at.IsZero() {
		delete(s.at, conv)
		return
	}
	if old, ok := s.at[conv]; ok && old.Equal(at) {
		return
	}
	s.at[conv] = at
	heap.Push(&s.heap, scheduleEntry{at, conv})
	if len(s.heap) > 1024 && len(s.heap) > 4*len(s.at) {
		s.rebuild()
	}
}

// next returns the first time, or false if there is none.
func (s *schedule) next() (time.Time, bool) {
	for len(s.heap) > 0 {
		e := s.heap[0]
		if at, ok := s.at[e.conv]; ok && at.Equal(e.at) {
			return e.at, true
		}
		heap.Pop(&s.heap)
	}
	return time.Time{}, false
}

// take removes and returns the conversations that are due, at most the given number.
func (s *schedule) take(now time.Time, most int) []string {
	var out []string
	for len(out) < most {
		at, ok := s.next()
		if !ok || at.After(now) {
			break
		}
		e := heap.Pop(&s.heap).(scheduleEntry)
		delete(s.at, e.conv)
		out = append(out, e.conv)
	}
	return out
}

func (s *schedule) rebuild() {
	s.heap = s.heap[:0]
	for conv, at := range s.at {
		s.heap = append(s.heap, scheduleEntry{at, conv})
	}
	heap.Init(&s.heap)
}

type scheduleHeap []scheduleEntry

func (h scheduleHeap) Len() int           { return len(h) }
func (h scheduleHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h scheduleHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *scheduleHeap) Push(x any)        { *h = append(*h, x.(scheduleEntry)) }
func (h *scheduleHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
