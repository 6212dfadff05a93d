package writer

import (
	"fmt"
	"slices"

	"golang.org/x/time/rate"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// Revision is a revision of the configuration that replaces the one in force.
type Revision struct {
	Policy         *conversation.Policy // the writer sets its number
	OpensPerMinute int                  // see Options
	Hash, Cause    string               // see conversation.Transaction.Revise
	// Restarted has the channels whose adapter gets a new process. Their deliveries whose last call failed because the
	// vendor refused the credentials are repeated immediately.
	Restarted []string
	// Changed has the channels whose settings have changed. Their failed deliveries are repeated immediately, unless the
	// vendor has asked for a pause.
	Changed []string
	// Applied is called on the loop when the record with the revision is stored, before any other input is decided on
	// and before any delivery is released. It must return quickly.
	Applied func(number uint64)
}

// waitingRevision is a revision that waits for the loop.
type waitingRevision struct {
	*Revision
	policy *conversation.Policy // Revision.Policy with its number
	err    error
	done   chan struct{}
}

// Revise puts a revision into force and returns its number. Its change has a separate record, so each input is decided
// on under exactly one revision. If this record cannot be stored, the former revision stays in force.
func (w *Writer) Revise(r *Revision) (uint64, error) {
	next := &waitingRevision{Revision: r, done: make(chan struct{})}
	w.mu.Lock()
	if w.stopping {
		w.mu.Unlock()
		return 0, ErrStopping
	}
	w.revisions = append(w.revisions, next)
	w.mu.Unlock()
	w.wakeUp()
	<-next.done
	if next.err != nil {
		return 0, next.err
	}
	return next.policy.Revision, nil
}

func (r *waitingRevision) answer(err error) {
	r.err = err
	close(r.done)
}

// nextRevision takes the first revision that waits, or returns nil.
func (w *Writer) nextRevision() *waitingRevision {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.revisions) == 0 {
		return nil
	}
	r := w.revisions[0]
	w.revisions = w.revisions[1:]
	r.policy = nextPolicy(r.Policy, w.state)
	w.wakeUp() // for the inputs that wait
	return r
}

// nextPolicy returns a policy with the number that follows the revision in force.
func nextPolicy(p *conversation.Policy, s *state.State) *conversation.Policy {
	out := *p
	out.Revision, out.Vanished = s.Revision().Number+1, s.Revision().Vanished
	return &out
}

// enforce puts the stored revision into force.
func (w *Writer) enforce(r *waitingRevision) {
	r.policy.Vanished, r.policy.TimersFrom, r.policy.StartedAt = w.state.Revision().Vanished, w.Now(), w.Policy.StartedAt
	w.Policy, w.OpensPerMinute, w.opens = r.policy, r.OpensPerMinute, map[string]*rate.Limiter{}
	w.timers, w.overdue = newSchedule(), newSchedule()
	if r.Applied != nil {
		r.Applied(r.policy.Revision)
	}
	w.state.EachPause(w.Lanes.Pause) // for channels that have returned
	w.retryFailed(r.Revision)
	w.adaptAll()
	r.answer(nil)
}

// adaptAll begins to adapt all conversations to the revision in force, and to set their deadlines and timers. The loop
// does this in steps. Before a decision on another input of a conversation, the conversation is adapted too.
func (w *Writer) adaptAll() { w.unadapted, w.adapting, w.adaptFrom = nil, w.state.Len() > 0, 0 }

func (w *Writer) hasUnadapted() bool { return w.adapting || len(w.unadapted) > 0 }

// takeUnadapted returns the next conversations to adapt to the revision in force.
func (w *Writer) takeUnadapted() []string {
	if len(w.unadapted) == 0 && w.adapting {
		w.adaptFrom = w.state.Page(w.adaptFrom, maxAdaptedAtOnce, func(c *state.Conversation) {
			w.unadapted = append(w.unadapted, c.ID)
		})
		w.adapting = w.adaptFrom != 0
	}
	n := min(len(w.unadapted), maxAdaptedAtOnce)
	ids := w.unadapted[:n:n]
	w.unadapted = w.unadapted[n:]
	return ids
}

// adapt adapts the conversations of the batch. Those that do not fit into the record are adapted in a later batch.
func (w *Writer) adapt(tx *conversation.Transaction, b *batch) {
	for b.adapted = 0; b.adapted < len(b.unadapted); b.adapted++ {
		if !tx.Reconcile(b.unadapted[b.adapted]) {
			w.unadapted = append(slices.Clip(b.unadapted[b.adapted:]), w.unadapted...)
			b.unadapted = b.unadapted[:b.adapted]
			return
		}
	}
}

// adaptationFailed removes the conversation whose adaptation panicked. Its next input adapts it.
func (w *Writer) adaptationFailed(b *batch) {
	w.Logger.Error("conversation is not adapted to the configuration", "conversation", b.unadapted[b.adapted])
	b.unadapted = slices.Delete(slices.Clone(b.unadapted), b.adapted, b.adapted+1)
}

// refuseRevisions refuses all waiting revisions. The caller holds the lock.
func (w *Writer) refuseRevisions(cause error) {
	for _, r := range w.revisions {
		r.answer(fmt.Errorf("put the configuration into force: %w", cause))
	}
	w.revisions = nil
}
