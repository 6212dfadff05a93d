package conversation

import (
	"slices"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// ApplyOutcome records the outcome of an attempt and acts on it. If the delivery has already ended, for example
// because control moved, applyLate handles the outcome.
func (tx *Transaction) ApplyOutcome(o *attempt.Outcome) {
	defer tx.beginInput()()
	c := tx.layer.Mutable(o.Conversation)
	if c == nil {
		tx.recordLate(o)
		return
	}
	tx.adapt(o.Conversation)
	d := c.Delivery(o.Delivery)
	if d == nil {
		tx.applyLate(c, o)
		return
	}
	cp := *d
	if !o.NotCalled {
		cp.Attempts++
	}
	if o.Result != attempt.ResultDelivered && cp.IsTriedOnce() {
		tx.endFailed(c, &cp, state.StatusDropped, o.Error, o.Text)
		return
	}
	switch o.Result {
	case attempt.ResultDelivered:
		tx.applyDelivered(c, &cp, o)
	case attempt.ResultRetry:
		tx.applyRetry(c, &cp, o)
	case attempt.ResultDeclined:
		tx.applyDeclined(c, &cp, o)
	case attempt.ResultGone:
		tx.applyGone(c, &cp, o)
	default:
		tx.giveUp(c, &cp, failure{kind: o.Error, text: o.Text})
	}
}

func (tx *Transaction) recordLate(o *attempt.Outcome) {
	tx.add(o.Conversation, &journal.Change_Late{Late: &journal.Late{
		Delivery: o.Delivery, Channel: o.Channel, Outcome: o.Status(),
	}})
}

// applyLate handles the outcome of a delivery that has already ended. If the call has opened a thread, this thread is
// kept as a former thread, and the channel is notified that it is not needed.
func (tx *Transaction) applyLate(c *state.Conversation, o *attempt.Outcome) {
	tx.recordLate(o)
	if o.Result != attempt.ResultDelivered {
		return
	}
	if o.Kind == state.KindOpen && o.Thread != "" {
		current := c.Threads[o.Channel]
		if current == nil || current.ID != o.Thread {
			tx.linkThread(c, &journal.Linked{Channel: o.Channel, Thread: o.Thread, Epoch: c.Epoch, Former: true})
		}
		tx.withdrawOpen(c, o)
	}
	tx.receiveReplies(c, o, true)
}

// withdrawOpen notifies a channel that a thread which it has opened is not needed. It queues this event before the
// next open, because that open may get a thread with the same id.
func (tx *Transaction) withdrawOpen(c *state.Conversation, o *attempt.Outcome) {
	ch := tx.policy.Channels[o.Channel]
	current := c.Threads[o.Channel]
	if ch == nil || !o.Offer && ch.Role != envelope.RoleAgent || current != nil && current.Live && current.ID == o.Thread {
		return
	}
	later := queueOf(c, o.Channel)
	first := slices.IndexFunc(later, func(d state.Delivery) bool { return d.Kind == state.KindOpen })
	if first < 0 || !ch.Events[envelope.KindDisconnected] {
		first = len(later)
	}
	reason := "control_moved"
	if o.Offer {
		reason = "offer_withdrawn"
	}
	tx.queueBefore(c, later[first:], "queued again behind the event that withdraws an earlier open", func() {
		tx.notify(c, ch, o.Thread, envelope.KindDisconnected, map[string]string{"reason": reason})
	})
}

// queueBefore calls queue and keeps its deliveries ahead of later, the last deliveries of a lane: it ends these with
// the text, and queues them again afterwards. It does not queue an open again if queue has queued one.
func (tx *Transaction) queueBefore(c *state.Conversation, later []state.Delivery, text string, queue func()) {
	for i := range later {
		tx.endDelivery(c, &later[i], state.StatusMoved, text)
	}
	queue()
	for i := range later {
		if later[i].Kind != state.KindOpen || !isOpening(c, later[i].Channel) {
			tx.requeue(c, &later[i], later[i].Reopened, nil)
		}
	}
}

func (tx *Transaction) applyDelivered(c *state.Conversation, d *state.Delivery, o *attempt.Outcome) {
	if d.Kind == state.KindOpen {
		tx.linkThread(c, &journal.Linked{
			Channel: d.Channel, Thread: o.Thread, Epoch: c.Epoch, State: o.State, HasState: o.State != nil,
			StartedAt: d.QueuedAt.UnixNano(),
		})
	} else if th := c.Threads[d.Channel]; th != nil && o.State != nil && th.ID == o.Thread && th.Live {
		tx.add(c.ID, &journal.Change_Linked{Linked: &journal.Linked{
			Channel: d.Channel, Thread: th.ID, Epoch: th.Epoch, State: o.State, HasState: true,
		}})
	}
	if q := c.Delivery(d.ID); q != nil { // an envelope that linkThread admitted may have ended the delivery
		tx.add(c.ID, &journal.Change_Ended{Ended: &journal.Ended{
			Delivery: d.ID, Status: state.StatusDelivered, VendorId: o.VendorID, Degraded: o.Degraded,
			Attempts: d.Attempts, Channel: d.Channel, AwaitsAnswer: tx.awaitsAnswer(c, q),
		}})
		if d.Follows && c.AwaitedSince.IsZero() {
			tx.mergeWaiting(c)
		}
	}
	if d.Offer && o.Accepted && c.Offer != nil && c.Offer.Target == d.Channel {
		tx.acceptOffer(c)
		tx.runEvents()
	}
	tx.receiveReplies(c, o, false)
}

// receiveReplies receives the envelopes that a vendor returned in the call.
func (tx *Transaction) receiveReplies(c *state.Conversation, o *attempt.Outcome, late bool) {
	for _, in := range o.Replies {
		if in.Envelope.Thread == "" {
			in.Envelope.Thread = o.Thread
		}
		in.Envelope.Channel = o.Channel
		if tx.layer.Changed(c.ID) == nil {
			return // the conversation has been removed
		}
		in.Channel = o.Channel
		if !tx.policy.IsConfigured(o.Channel) {
			pos := tx.store(in.Bytes, in.Envelope, c)
			tx.dispose(c.ID, pos, o.Channel, state.StatusFenced, "channel "+o.Channel+" is not in the configuration", "")
			continue
		}
		if tx.receive(in, late || c.Closing != "") == VerdictBusy { // the vendor will not send it again
			tx.KeepUndecided(in, "the conversation has too many undelivered messages for a reply")
		}
	}
}

// applyRetry records a failed attempt, and keeps the delivery at the head of its lane.
func (tx *Transaction) applyRetry(c *state.Conversation, d *state.Delivery, o *attempt.Outcome) {
	tx.add(c.ID, &journal.Change_Attempted{Attempted: &journal.Attempted{
		Delivery: d.ID, Error: o.Error, Text: o.Text, Attempts: d.Attempts, Next: unixNano(o.Next), NotCalled: o.NotCalled,
	}})
}

// applyDeclined ends a declined offer. A channel may decline only offers; any other delivery is given up.
func (tx *Transaction) applyDeclined(c *state.Conversation, d *state.Delivery, o *attempt.Outcome) {
	if d.Kind != state.KindOpen || !d.Offer {
		tx.giveUp(c, d, failure{kind: o.Error, text: o.Text, code: o.Reason})
		return
	}
	tx.endDelivery(c, d, state.StatusDropped, "declined: "+o.Reason)
	if c.Offer != nil && c.Offer.Target == d.Channel {
		tx.failOffer(c, state.OfferDeclined, o.Reason)
	}
}
