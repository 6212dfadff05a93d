package writer

import (
	"container/heap"
	"time"

	"patchbay/core/internal/conversation"
)

// timers holds at most one deadline a conversation. Setting is O(log n); what was set before is skipped when
// its time comes.
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

// next returns the first deadline, or false.
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

// take removes and returns a conversation whose deadline has come, or "".
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

// due returns the conversations whose deadline has come, a bounded number at once. After a start, deadlines that
// passed while the gateway was away wait for a moment: what the vendors repeat goes first.
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

// orphansDue returns when the first envelope without a thread is given up, or false. After a start they wait their whole
// time again: the call that opens the thread was cut off, too, and is being repeated.
func (w *Writer) pendingDue() (at time.Time, found bool) {
	n, at := w.state.Pending()
	if at.Before(w.pendingFrom) {
		at = w.pendingFrom
	}
	return at, n > 0
}

// lettersDue reports whether dead letters must be looked through: rarely, or at once if there are too many or the log
// does not have all their records any more.
func (w *Writer) deadLettersDue(now time.Time) bool {
	return w.state.DeadLetterCount() > conversation.MaxDeadLetters || w.state.DeadLetterCount() > 0 && !now.Before(w.expireAt)
}

// untilTimer returns how long the loop may sleep.
func (w *Writer) untilTimer(now time.Time) time.Duration {
	next := now.Add(time.Minute)
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
	if w.state.PendingReady() && w.admitAt.Before(next) {
		next = w.admitAt
	}
	if !w.retryAt.IsZero() {
		next = w.retryAt
	}
	return max(next.Sub(now), 0)
}
