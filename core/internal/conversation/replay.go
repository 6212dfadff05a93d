package conversation

import (
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// ReplayDeadLetter queues a dead letter again. The fence applies: the customer's messages go to the current owner, in a
// new conversation if theirs has ended; an owner's message of an earlier epoch is not sent. It returns the status with
// which the dead letter ended, replayed or fenced, and the id of the new delivery.
func (tx *Transaction) ReplayDeadLetter(id string) (status, delivery string, err error) {
	defer tx.beginInput()()
	dead := tx.layer.DeadLetter(id)
	if dead == nil {
		return "", "", &DeadLetterError{id, ErrNoDeadLetter}
	}
	d := &dead.Delivery
	ch := tx.policy.Channels[d.Channel]
	oldest := dead.OldestRecord()
	switch {
	case oldest != 0 && oldest < tx.oldestRecord:
		return "", "", deadLetterError(id, "its record is no longer kept; drop it")
	case d.Kind != state.KindSend:
		return "", "", deadLetterError(id, "deliveries of kind %s are not replayed, since the next message queues a new "+
			"one; drop it", d.Kind)
	case !d.Follows && ch == nil:
		return "", "", deadLetterError(id, "channel %s is not in the configuration; configure it, or drop the dead letter",
			d.Channel)
	}
	c, err := tx.replayTarget(dead)
	if err != nil {
		return "", "", err
	}
	if !d.Follows && !d.Copy && d.Epoch != c.Epoch {
		tx.endDeadLetter(dead, state.StatusFenced, "")
		return state.StatusFenced, "", nil
	}
	before := len(tx.record.GetChanges())
	moved := c.ID != dead.Conversation || d.Epoch != c.Epoch
	if d.Follows && (d.Pieces <= 1 || moved) {
		tx.sendToOwner(c, d.Item, nil)
		if d.Pieces > 1 {
			tx.mergeDeadLetters(dead.Conversation, d.Item.Pos, id)
		}
	} else {
		tx.ensureThread(c, ch, false)
		tx.requeue(c, d, 0, nil)
	}
	for _, change := range tx.record.GetChanges()[before:] {
		if q := change.GetQueued(); q != nil && q.GetDelivery().GetKind() == state.KindSend {
			delivery = q.GetDelivery().GetId()
		}
	}
	tx.endDeadLetter(dead, state.StatusReplayed, delivery)
	return state.StatusReplayed, delivery, nil
}

// replayTarget returns the conversation for a replay: the dead letter's own one, or, if that has ended, the customer's
// current one, which is opened if there is none.
func (tx *Transaction) replayTarget(dead *state.DeadLetter) (*state.Conversation, error) {
	id, customer := dead.Delivery.ID, dead.Customer
	if c := tx.layer.Mutable(dead.Conversation); c != nil {
		if c.Closing == "" {
			return c, nil
		}
		for _, d := range queued(c, dead.Delivery.Channel) {
			if d.Follows && d.Item.Pos == dead.Delivery.Item.Pos {
				return nil, deadLetterError(id, "other pieces of the message are still queued in conversation %s, "+
					"which has ended; try again when they are delivered", dead.Conversation)
			}
		}
	}
	if customer == nil && dead.Conversation == "" {
		return nil, deadLetterError(id, "it was not translated, so it has no customer; let the vendor send it again, or "+
			"drop it")
	}
	if customer == nil {
		return nil, deadLetterError(id, "conversation %s has ended; drop it", dead.Conversation)
	}
	ch := tx.policy.Channels[customer.Channel]
	if ch == nil || ch.Role != envelope.RoleCustomer {
		return nil, deadLetterError(id, "conversation %s has ended and %s is no longer a customer channel; drop it",
			dead.Conversation, customer.Channel)
	}
	if current := tx.layer.Find(customer.Channel, customer.Thread); current != "" {
		if c := tx.layer.Mutable(current); c.Closing == "" {
			return c, nil
		}
	}
	c := tx.layer.Mutable(tx.openConversation(customer))
	tx.runEvent(c, route.EventOpened, &event{channel: ch.Name, role: ch.Role})
	return c, nil
}
