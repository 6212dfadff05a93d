package writer

import (
	"fmt"
	"time"
)

// shrinkBatch postpones a part of a batch whose record is too large: first the work on expired pending envelopes, on
// dead letters and on other pending envelopes, each in a separate call, then the second half of the inputs. It gives
// up a single input that is too large.
func (w *Writer) shrinkBatch(b *batch, why string) {
	n := b.inputs()
	if b.expirePending && (n > 0 || b.admitPending) { // their deadline has passed, so a later batch has them
		b.expirePending, w.pendingAlone = false, true
		return
	}
	if b.expireDeadLetters && (n > 0 || b.admitPending || b.expirePending) {
		b.expireDeadLetters = false
		return
	}
	if b.admitPending && n > 0 {
		b.admitPending, w.pendingAlone = false, true
		return
	}
	if n <= 1 {
		w.giveUpInput(b, why)
		return
	}
	keep := n / 2
	take := func(have int) int {
		kept := min(have, keep)
		keep -= kept
		return kept
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := take(len(b.unadapted))
	w.unadapted = append(b.unadapted[i:len(b.unadapted):len(b.unadapted)], w.unadapted...)
	b.unadapted = b.unadapted[:i:i]
	i = take(len(b.outcomes))
	w.outcomes = append(b.outcomes[i:len(b.outcomes):len(b.outcomes)], w.outcomes...)
	b.outcomes = b.outcomes[:i:i]
	i = take(len(b.deadlines))
	for _, id := range b.deadlines[i:] {
		if id != "" {
			w.deadlines.set(id, w.Now())
		}
	}
	b.deadlines = b.deadlines[:i]
	i = take(len(b.commands))
	w.commands = append(b.commands[i:len(b.commands):len(b.commands)], w.commands...)
	b.commands = b.commands[:i:i]
	i = take(len(b.submissions))
	w.submissions = append(b.submissions[i:len(b.submissions):len(b.submissions)], w.submissions...)
	b.submissions = b.submissions[:i:i]
	i = take(len(b.timers))
	for _, id := range b.timers[i:] {
		if id != "" {
			w.timers.set(id, w.Now())
		}
	}
	b.timers = b.timers[:i]
	w.wakeUp()
}

// giveUpInput gives up the only input of a batch: an outcome or submission becomes a dead letter, a command fails, a
// deadline or timer is tried again after a minute, and a conversation is not adapted before its next input. Decisions on
// pending envelopes count as failed.
func (w *Writer) giveUpInput(b *batch, why string) {
	w.Logger.Error("decision does not fit into a record", "error", why)
	if b.admitPending {
		w.admissionFailed(b, why)
	}
	if b.expirePending {
		w.expiryFailed(b, why)
	}
	if b.adapted = 0; len(b.unadapted) > 0 {
		w.adaptationFailed(b)
	}
	for i, o := range b.outcomes {
		b.outcomes[i] = undecided(o, why)
	}
	for i, id := range b.deadlines {
		b.deadlines[i] = ""
		w.deadlines.set(id, w.Now().Add(time.Minute))
	}
	for i, id := range b.timers {
		w.postponeTimer(b, i, id)
	}
	for _, c := range b.commands {
		c.decide, c.err = nil, fmt.Errorf("decide: %s", why)
	}
	for _, s := range b.submissions {
		b.poison(s, why)
	}
}
