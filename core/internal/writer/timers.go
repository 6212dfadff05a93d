package writer

import (
	"container/heap"
	"time"

	"patchbay/core/internal/conversation"
)

// timers holds at most one deadline per conversation. Setting one takes O(log n). Replaced deadlines stay in the heap
// and are skipped when they are due.
type timers struct {
	heap timerHeap
	at   map[string]time.Time
}

type timerEntry struct {
	at   time.Time
	conv string
}

func newTimers() timers { return timers{at: map[string]time.Time{}} }

func (t *timers) set(conv string, at time.Time) {
	if old, ok := t.at[conv]; ok && old.Equal(at) {
		return
	}
	t.at[conv] = at
	heap.Push(&t.heap, timerEntry{at, conv})
	if len(t.heap) > 1024 && len(t.heap) > 4*len(t.at) {
		t.rebuild()
	}
}

func (t *timers) drop(conv string) { delete(t.at, conv) }

// next returns the first deadline, or false if there is none.
func (t *timers) next() (time.Time, bool) {
	for len(t.heap) > 0 {
		e := t.heap[0]
		if at, ok := t.at[e.conv]; ok && at.Equal(e.at) {
			return e.at, true
		}
		heap.Pop(&t.heap)
	}
	return time.Time{}, false
}

// take removes and returns a conversation whose deadline is due, or "".
func (t *timers) take(now time.Time) string {
	at, ok := t.next()
	if !ok || at.After(now) {
		return ""
	}
	e := heap.Pop(&t.heap).(timerEntry)
	delete(t.at, e.conv)
	return e.conv
}

func (t *timers) rebuild() {
	t.heap = t.heap[:0]
	for conv, at := range t.at {
		t.heap = append(t.heap, timerEntry{at, conv})
	}
	heap.Init(&t.heap)
}

type timerHeap []timerEntry

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timerEntry)) }
func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// due returns conversations whose deadline is due, at most maxDeadlinesAtOnce. After a start, overdue deadlines wait
// until deadlinesFrom, so that repeated webhooks go first.
func (w *Writer) due(now time.Time) []string {
	if now.Before(w.deadlinesFrom) {
		return nil
	}
	var out []string
	for len(out) < maxDeadlinesAtOnce {
		id := w.timers.take(now)
		if id == "" {
			break
		}
		out = append(out, id)
	}
	return out
}

// pendingDue returns the deadline of the first pending envelope, or false if there is none. After a start, pending
// envelopes wait their full time again, since the call that opens their thread is repeated.
func (w *Writer) pendingDue() (at time.Time, found bool) {
	n, at := w.state.Pending()
	if at.Before(w.pendingFrom) {
		at = w.pendingFrom
	}
	return at, n > 0
}

// deadLettersDue reports whether to search for expired dead letters: every deadLettersEvery, or immediately if there
// are too many or the log no longer has their records.
func (w *Writer) deadLettersDue(now time.Time) bool {
	return conversation.TooManyDeadLetters(w.state) || w.state.DeadLetterCount() > 0 && !now.Before(w.expireAt)
}

// untilTimer returns the time until the next deadline of the loop.
func (w *Writer) untilTimer(now time.Time) time.Duration {
	next := now.Add(time.Minute)
	if w.needsRoom() {
		next = now.Add(roomInterval)
	}
	if at, ok := w.timers.next(); ok && at.Before(next) {
		next = at
	}
	if at, found := w.pendingDue(); found && at.Before(next) {
		next = at
	}
	if w.state.DeadLetterCount() > 0 && w.expireAt.Before(next) {
		next = w.expireAt
	}
	if next.Before(w.deadlinesFrom) {
		next = w.deadlinesFrom
	}
	if len(w.unadapted) > 0 {
		next = now
	}
	if w.state.PendingReady() && w.admitAt.Before(next) {
		next = w.admitAt
	}
	if !w.retryAt.IsZero() {
		next = w.retryAt
	}
	return max(next.Sub(now), 0)
}
