package writer

import (
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// dueDeadlines returns the conversations whose deadline is due. After a start, it returns none until deadlinesFrom, so
// that repeated webhooks are decided on first.
func (w *Writer) dueDeadlines(now time.Time) []string {
	if now.Before(w.deadlinesFrom) {
		return nil
	}
	return w.deadlines.take(now, maxDeadlinesAtOnce, w.state)
}

// dueTimers returns the conversations whose timer is due. It returns timers that wait again after a start or a revision
// at a limited rate, and only if no inputs wait. During a drain it returns none, because the answers and acceptances
// that timers wait for are refused.
func (w *Writer) dueTimers(now time.Time, inputsWait bool) []string {
	if now.Before(w.deadlinesFrom) || w.isDraining() {
		return nil
	}
	out := w.timers.take(now, maxDeadlinesAtOnce, w.state)
	if inputsWait || now.Before(w.overdueAt) {
		return out
	}
	if overdue := w.overdue.take(now, overdueAtOnce, w.state); len(overdue) > 0 {
		w.overdueAt = now.Add(overdueEvery)
		out = append(out, overdue...)
	}
	return out
}

// setTimer sets the conversation's timer for idle, unanswered, close_after or the pending offer.
func (w *Writer) setTimer(c *state.Conversation) {
	in, other := &w.timers, &w.overdue
	at, overdue := conversation.NextTimer(c, w.Policy)
	if overdue {
		in, other = other, in
	}
	in.set(c.ID, at)
	other.set(c.ID, time.Time{})
}

// pendingDue returns the deadline of the first pending envelope, or false if there is none. After a start, the wait of
// pending envelopes begins again, because the call that opens their thread is repeated.
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
	if at, ok := w.deadlines.next(); ok && at.Before(next) {
		next = at
	}
	if !w.isDraining() {
		if at, ok := w.timers.next(); ok && at.Before(next) {
			next = at
		}
		if at, ok := w.overdue.next(); ok && latest(at, w.overdueAt).Before(next) {
			next = latest(at, w.overdueAt)
		}
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
	if w.hasUnadapted() {
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

func latest(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}

// postponeTimer removes a timer from a batch because it cannot be decided on now. It is tried again after a minute.
func (w *Writer) postponeTimer(b *batch, i int, conv string) {
	b.timers[i] = ""
	w.timers.set(conv, w.Now().Add(time.Minute))
}
