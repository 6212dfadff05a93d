package writer

import (
	"time"

	"patchbay/core/internal/attempt"
)

// batch contains the inputs of one record.
type batch struct {
	outcomes          []*attempt.Outcome
	deadlines         []string
	timers            []string // decided last
	commands          []*command
	submissions       []*submission
	revision          *waitingRevision // a batch with a revision has no other inputs
	unadapted         []string         // conversations to adapt to the revision in force
	adapted           int              // number of them that the present decision has adapted
	expirePending     bool
	admitPending      bool                   // pending envelopes may have a known thread
	admission, expiry failures               // of the decisions on admitPending and expirePending
	expireDeadLetters bool                   // dead letters may have expired
	poisoned          map[*submission]string // cause, by submission
	since             time.Time              // arrival of the oldest input
}

// collect takes waiting inputs, outcomes first, up to the limits of a record. It returns nil if there is nothing to
// do.
func (w *Writer) collect(now time.Time) *batch {
	b := &batch{since: now}
	if b.revision = w.nextRevision(); b.revision != nil {
		return b
	}
	if at, found := w.pendingDue(); found && !at.After(now) {
		b.expirePending = true
	}
	b.admitPending = w.state.PendingReady() && !now.Before(w.admitAt)
	if w.pendingAlone && (b.admitPending || b.expirePending) {
		w.pendingAlone = false
		w.wakeUp() // for the inputs that wait
		return b
	}
	b.deadlines = w.dueDeadlines(now)
	b.unadapted = w.takeUnadapted()
	b.expireDeadLetters = w.deadLettersDue(now)
	w.mu.Lock()
	defer w.mu.Unlock()
	bytes, n := 0, 0
	for ; n < len(w.outcomes) && n < maxInputs; n++ {
		if bytes += outcomeBytes(w.outcomes[n]); bytes > maxRecord && n > 0 {
			break
		}
	}
	b.outcomes, w.outcomes = w.outcomes[:n:n], w.outcomes[n:]
	b.commands, w.commands = w.commands, nil
	n = 0
	for ; n < len(w.submissions) && n+len(b.outcomes) < maxInputs; n++ {
		if bytes += w.submissions[n].bytes; bytes > maxRecord && n+len(b.outcomes) > 0 {
			break
		}
		if w.submissions[n].since.Before(b.since) {
			b.since = w.submissions[n].since
		}
	}
	b.submissions, w.submissions = w.submissions[:n:n], w.submissions[n:]
	more := len(w.outcomes)+len(w.submissions) > 0
	if more {
		w.wakeUp()
	}
	b.timers = w.dueTimers(now, more)
	if b.inputs() == 0 && !b.expirePending && !b.admitPending && !b.expireDeadLetters {
		return nil
	}
	return b
}

// inputs returns the number of inputs. The work on pending envelopes and dead letters does not count.
func (b *batch) inputs() int {
	return len(b.outcomes) + len(b.deadlines) + len(b.timers) + len(b.commands) + len(b.submissions) + len(b.unadapted)
}

func outcomeBytes(o *attempt.Outcome) int {
	n := changeBytes + len(o.State) + len(o.Text)
	for _, r := range o.Replies {
		n += len(r.Bytes) + changeBytes
	}
	return n
}
