package writer

import (
	"container/heap"
	"time"

	"patchbay/core/internal/state"
)

// schedule contains at most one time for each conversation. It has no pointers, because most conversations have a
// timer. To set a later time takes O(1), an earlier one O(log n).
type schedule struct {
	heap scheduleHeap
	at   map[state.Key]scheduledTime
}

// scheduledTime has the time of a conversation, and the time of its entry in the heap, which is not later. Both are in
// nanoseconds.
type scheduledTime struct{ at, queued int64 }

// scheduleEntry is an entry of the heap. It is obsolete if its time differs from scheduledTime.queued.
type scheduleEntry struct {
	at  int64
	key state.Key
}

func newSchedule() schedule { return schedule{at: map[state.Key]scheduledTime{}} }

// set sets the time of a conversation. The zero time removes it.
func (s *schedule) set(conv string, at time.Time) {
	key, nanos := state.KeyOf(conv), at.UnixNano()
	old, ok := s.at[key]
	switch {
	case at.IsZero():
		delete(s.at, key)
	case ok && old.queued <= nanos:
		s.at[key] = scheduledTime{nanos, old.queued}
	default:
		s.at[key] = scheduledTime{nanos, nanos}
		heap.Push(&s.heap, scheduleEntry{nanos, key})
		if len(s.heap) > 1024 && len(s.heap) > 2*len(s.at) {
			s.rebuild()
		}
	}
}

// next returns the first time, or false if there is none.
func (s *schedule) next() (time.Time, bool) {
	for len(s.heap) > 0 {
		e := &s.heap[0]
		switch t, ok := s.at[e.key]; {
		case !ok || t.queued != e.at:
			heap.Pop(&s.heap)
		case t.at > e.at:
			e.at = t.at
			s.at[e.key] = scheduledTime{t.at, t.at}
			heap.Fix(&s.heap, 0)
		default:
			return time.Unix(0, e.at), true
		}
	}
	return time.Time{}, false
}

// take removes at most the given number of conversations that are due, and returns the ids of those that exist.
func (s *schedule) take(now time.Time, most int, of *state.State) []string {
	var out []string
	for range most {
		at, ok := s.next()
		if !ok || at.After(now) {
			break
		}
		e := heap.Pop(&s.heap).(scheduleEntry)
		delete(s.at, e.key)
		if c := of.ConversationOf(e.key); c != nil {
			out = append(out, c.ID)
		}
	}
	return out
}

func (s *schedule) rebuild() {
	s.heap = s.heap[:0]
	for key, t := range s.at {
		s.heap = append(s.heap, scheduleEntry{t.at, key})
		s.at[key] = scheduledTime{t.at, t.at}
	}
	heap.Init(&s.heap)
}

type scheduleHeap []scheduleEntry

func (h scheduleHeap) Len() int           { return len(h) }
func (h scheduleHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h scheduleHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *scheduleHeap) Push(x any)        { *h = append(*h, x.(scheduleEntry)) }
func (h *scheduleHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
