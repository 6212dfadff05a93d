package conversation

import (
	"slices"

	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// ReplayDeadLetter queues all messages of a dead letter again, in order. The customer's messages go to the current
// owner. If their conversation is closed, they go to the customer's current conversation. An owner's message of an
// earlier epoch is fenced. ReplayDeadLetter returns the status with which the dead letter ended, replayed or fenced,
// and the id of the last new delivery.
func (tx *Transaction) ReplayDeadLetter(id string) (status, delivery string, err error) {
	defer tx.beginInput()()
	dead := tx.layer.DeadLetter(id)
	if dead == nil {
		return "", "", &DeadLetterError{id, ErrNoDeadLetter}
	}
	d := &dead.Delivery
	oldest := dead.OldestRecord()
	switch {
	case oldest != 0 && oldest < tx.oldestRecord:
		return "", "", deadLetterError(id, "its record is no longer kept; drop it")
	case d.Kind == state.KindTranscript:
		return "", "", deadLetterError(id, "a transcript is not replayed, since the next message queues a new one; drop it")
	case dead.Customer == nil && tx.policy.Channels[d.Channel] == nil:
		return "", "", deadLetterError(id, "channel %s is not in the configuration; configure it, or drop the dead letter",
			d.Channel)
	}
	c, err := tx.replayTarget(dead)
	if err != nil {
		return "", "", err
	}
	replay := func() { status, delivery = tx.replay(c, dead) }
	if c.Blocked[d.Channel] == d.ID {
		tx.queueBefore(c, queueOf(c, d.Channel), "queued again behind a replayed dead letter", replay)
	} else {
		replay()
	}
	tx.endDeadLetter(dead, status, delivery)
	return status, delivery, nil
}

// replay implements ReplayDeadLetter.
func (tx *Transaction) replay(c *state.Conversation, dead *state.DeadLetter) (status, delivery string) {
	before := len(tx.record.GetChanges())
	d, messages := &dead.Delivery, dead.Messages
	if d.Kind == state.KindSend {
		messages = []state.Delivery{*d}
	}
	tx.replayMessages(c, dead, messages)
	status = state.StatusFenced
	if owner := tx.policy.Channels[c.Owner]; len(messages) == 0 && owner != nil && owner.Name == d.Channel {
		tx.ensureThread(c, owner, false)
		tx.sendTranscript(c, owner, nil)
		status = state.StatusReplayed
	}
	for _, change := range tx.record.GetChanges()[before:] {
		q := change.GetQueued().GetDelivery()
		if q != nil || change.GetHeld() != nil {
			status = state.StatusReplayed
		}
		if q.GetKind() == state.KindSend {
			delivery = q.GetId()
		}
	}
	return status, delivery
}

// replayMessages queues the messages of a dead letter that are not fenced, in order. It sends the whole message of a
// customer, not only the piece that was given up, if control has moved or if the dead letter contains the message from
// its first piece on.
func (tx *Transaction) replayMessages(c *state.Conversation, dead *state.DeadLetter, messages []state.Delivery) {
	var together []state.Item
	for i := range messages {
		if messages[i].Follows {
			together = append(together, messages[i].Items()...)
		}
	}
	whole := map[state.Position]bool{}
	for i := range messages {
		m := &messages[i]
		moved := c.ID != dead.Conversation || m.Epoch != c.Epoch
		ch := tx.policy.Channels[m.Channel]
		switch {
		case whole[m.Item.Pos]:
		case m.Follows && (moved || m.Pieces <= 1 || dead.Delivery.Kind == state.KindOpen && m.Piece == 0):
			whole[m.Item.Pos] = true
			for _, it := range m.Items() {
				tx.sendToOwner(c, it, together)
			}
			if m.Pieces > 1 {
				tx.mergeDeadLetters(dead.Conversation, m.Item.Pos, dead.Delivery.ID)
			}
		case ch == nil || moved && !m.Follows && !m.Copy: // fenced
		default:
			tx.ensureThread(c, ch, false)
			tx.requeue(c, m, 0, nil)
			if m.Follows {
				tx.needAnswer(c, m.Item.Pos)
			}
		}
	}
}

// replayTarget returns the conversation for a replay: the dead letter's conversation if it is live, otherwise the
// customer's live conversation. It opens a conversation if the customer has none.
func (tx *Transaction) replayTarget(dead *state.DeadLetter) (*state.Conversation, error) {
	id, customer := dead.Delivery.ID, dead.Customer
	messages := dead.Deliveries()
	if c := tx.layer.Mutable(dead.Conversation); c != nil {
		tx.adapt(c.ID)
		if c.Closing == "" {
			return c, nil
		}
		for _, d := range queueOf(c, dead.Delivery.Channel) {
			same := func(m state.Delivery) bool { return m.Follows && m.Item.Pos == d.Item.Pos }
			if d.Follows && slices.ContainsFunc(messages, same) {
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
	return tx.currentConversation(customer), nil
}
