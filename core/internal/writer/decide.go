package writer

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
)

// decide decides on the batch in a transaction. If the decision on an input panics, decide removes or replaces this
// input, and decides on the batch again. So one message cannot stop the gateway.
func (w *Writer) decide(b *batch, now time.Time) *conversation.Transaction {
	for {
		policy := w.Policy
		if b.revision != nil {
			policy = b.revision.policy
		}
		tx := conversation.Begin(w.state, policy, now, w.last+1, w.NewID)
		if w.decideBatch(tx, b) {
			return tx
		}
	}
}

// decideBatch decides on every input of the batch. It returns false if the batch must be decided on again. This is so
// if it has refused a webhook, or if the decision on an input has panicked. decideBatch has then removed or replaced
// this input, or marked it to become a dead letter.
func (w *Writer) decideBatch(tx *conversation.Transaction, b *batch) (ok bool) {
	var remove func(why string)
	defer func() {
		if p := recover(); p != nil {
			why := fmt.Sprint(p)
			w.Logger.Error("decision panicked", "error", why, "stack", string(debug.Stack()))
			remove(why)
			ok = false
		}
	}()
	if b.revision != nil {
		tx.Revise(b.revision.Hash, b.revision.Cause)
		return true
	}
	remove = func(string) { w.adaptationFailed(b) }
	w.adapt(tx, b)
	for i, o := range b.outcomes {
		remove = func(why string) { b.outcomes[i] = undecided(o, why) }
		tx.ApplyOutcome(o)
	}
	for i, id := range b.deadlines {
		remove = func(string) { b.deadlines[i] = "" }
		tx.ApplyDeadlines(id)
	}
	if b.admitPending {
		remove = func(why string) { w.admissionFailed(b, why) }
		b.admission.decide(tx.AdmitPending, tx.AdmitOnePending)
	}
	if b.expirePending {
		remove = func(why string) { w.expiryFailed(b, why) }
		b.expiry.decide(tx.ExpirePending, tx.ExpireOnePending)
	}
	if b.expireDeadLetters {
		remove = func(string) { b.expireDeadLetters, w.expireAt = false, tx.At().Add(deadLettersEvery) }
		w.moreToExpire = tx.ExpireDeadLetters(tx.At().Add(-w.HistoryAge), w.Log.Bounds().First)
	}
	for _, c := range b.commands {
		remove = func(why string) { c.decide, c.err = nil, fmt.Errorf("decide: %s", why) }
		if c.decide != nil {
			c.err = c.decide(tx)
		}
	}
	ok = true
	for _, s := range b.submissions { // all of them, so that the refused webhooks cause only one more decision
		remove = func(why string) { b.poison(s, why) }
		if s.result = w.receive(tx, s, b.poisoned[s]); s.result != nil && s.acceptedWithoutID {
			s.refused, ok = s.result, false
		}
	}
	if !ok {
		return false
	}
	for i, id := range b.timers {
		remove = func(string) { w.postponeTimer(b, i, id) }
		tx.ApplyTimer(id)
	}
	return true
}

// undecided returns the replacement of an outcome on which the decision failed. With it, the delivery becomes a dead
// letter. If the decision on the replacement fails too, the second replacement only records the outcome. The lane then
// makes no calls until the next start.
func undecided(o *attempt.Outcome, why string) *attempt.Outcome {
	if o.Error == errorUndecided {
		return &attempt.Outcome{Delivery: o.Delivery, Channel: o.Channel, Error: errorUndecided}
	}
	return &attempt.Outcome{
		Conversation: o.Conversation, Delivery: o.Delivery, Channel: o.Channel, Kind: o.Kind, Offer: o.Offer,
		Thread: o.Thread, Result: attempt.ResultDead, Error: errorUndecided, Text: why,
	}
}

const errorUndecided = "undecided"

// poison marks a submission whose decision panicked or does not fit into a record.
func (b *batch) poison(s *submission, why string) {
	if _, again := b.poisoned[s]; again { // the dead letter cannot be decided on either
		s.undecidable = true
	}
	if b.poisoned == nil {
		b.poisoned = map[*submission]string{}
	}
	b.poisoned[s] = why
}

// receive decides on the envelopes of a submission. If cause is set, an earlier decision failed, and the envelopes
// become dead letters with this cause. If an envelope of a webhook cannot be accepted now, receive accepts the others
// and returns an error. The vendor then repeats the webhook, and the accepted envelopes are duplicates. An accepted
// envelope without a vendor id would be stored twice. In this case, receive sets acceptedWithoutID, and the batch is
// decided on again without the webhook.
func (w *Writer) receive(tx *conversation.Transaction, s *submission, cause string) error {
	s.accepted, s.acceptedWithoutID = 0, false // an earlier decision may have set them
	if s.undecidable {
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrUndecidable)
	}
	if s.inOrder {
		return w.receiveInOrder(tx, s, cause)
	}
	var opened map[customer]bool
	if cause == "" && s.dead == "" {
		var err error
		if opened, err = w.checkLimits(tx, s); err != nil {
			return err
		}
	}
	var result error
	for _, in := range s.envelopes {
		if s.dead != "" {
			tx.KeepDead(in, s.dead, s.cause)
			continue
		}
		if cause != "" {
			tx.KeepUndecided(in, cause)
			continue
		}
		if tx.Receive(in) == conversation.VerdictBusy {
			result = ErrBusy
		} else if in.Envelope.VendorID == "" {
			s.acceptedWithoutID = true
		}
	}
	if result == nil || !s.acceptedWithoutID {
		w.countOpened(opened)
		s.counted = len(s.envelopes)
	}
	return result
}

// checkLimits returns an error if an overload or the limit of new conversations refuses a webhook as a whole. It
// accepts the rest of a webhook whose first record is stored. It returns the customers whose new conversations are not
// counted yet.
func (w *Writer) checkLimits(tx *conversation.Transaction, s *submission) (opened map[customer]bool, err error) {
	if s.refused != nil || s.continues {
		return nil, s.refused
	}
	for _, in := range s.envelopes {
		if err := checkOverload(tx, in); err != nil {
			return nil, err
		}
	}
	if s.counted == 0 {
		var ok bool
		if opened, ok = w.mayOpen(tx, s.envelopes...); !ok {
			s.refused = ErrBusy
		}
	}
	return opened, s.refused
}

// checkOverload returns an error that matches ErrOverloaded if the receiver of the envelope cannot keep up.
func checkOverload(tx *conversation.Transaction, in *inbound.Envelope) error {
	if channel := tx.Overloaded(in); channel != "" {
		return fmt.Errorf("%w: %s", ErrOverloaded, channel)
	}
	return nil
}

// receiveOne decides on the envelope with index i of a subscription's batch. It returns ErrBusy if the envelope cannot
// be accepted now.
func (w *Writer) receiveOne(tx *conversation.Transaction, s *submission, i int) error {
	var opened map[customer]bool
	if i >= s.counted {
		var ok bool
		if opened, ok = w.mayOpen(tx, s.envelopes[i]); !ok {
			return ErrBusy
		}
	}
	if tx.Receive(s.envelopes[i]) == conversation.VerdictBusy {
		return ErrBusy
	}
	w.countOpened(opened)
	s.counted = max(s.counted, i+1)
	return nil
}

// apply applies a stored transaction to the state, answers callers, releases lane heads and sets timers.
func (w *Writer) apply(tx *conversation.Transaction, b *batch, now time.Time) {
	for _, o := range b.outcomes {
		w.inFlight.done(o.Conversation, o.Channel, o.Delivery)
	}
	var touched []*state.Conversation
	tx.EachChanged(func(c *state.Conversation) { touched = append(touched, c) })
	tx.Commit()
	for _, ch := range tx.Record().GetChanges() {
		if p := ch.GetChannelPaused(); p != nil {
			w.Lanes.Pause(w.state.Pause(p.GetChannel()))
		}
	}
	if b.revision != nil {
		w.enforce(b.revision)
	}
	for _, s := range b.submissions {
		s.stored = s.accepted
		s.answer(s.result)
	}
	if b.expireDeadLetters && !w.moreToExpire {
		w.expireAt = now.Add(deadLettersEvery)
	}
	for _, c := range b.commands {
		if !w.answerView(c) {
			close(c.done)
		}
	}
	seen := make(map[string]bool, len(touched)+len(b.outcomes))
	for _, c := range touched {
		seen[c.ID] = true
		w.releaseHeads(c, now)
	}
	for _, o := range b.outcomes {
		w.releaseByID(o.Conversation, seen, now)
	}
	for _, id := range slices.Concat(b.deadlines, b.timers, b.unadapted) {
		w.releaseByID(id, seen, now)
	}
}

func (w *Writer) releaseByID(id string, seen map[string]bool, now time.Time) {
	if seen[id] {
		return
	}
	seen[id] = true
	if c := w.state.Conversation(id); c != nil {
		w.releaseHeads(c, now)
	} else {
		w.inFlight.cancelAll(id, w.Lanes)
		for _, s := range []*schedule{&w.deadlines, &w.timers, &w.overdue} {
			s.set(id, time.Time{})
		}
		w.offers.set(id, false)
		w.departures.set(id, false)
	}
}
