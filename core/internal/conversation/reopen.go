package conversation

import (
	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// applyGone handles a delivery whose thread the vendor has deleted. It opens another thread, sends the history if the
// channel is the owner, and queues the lane's deliveries again, in order. If the channel is an agent channel that owns
// the conversation, but is not its home, applyGone first handles the departure of the owner. In a closed conversation,
// it opens no thread at a desk.
func (tx *Transaction) applyGone(c *state.Conversation, d *state.Delivery, o *attempt.Outcome) {
	ch := tx.policy.Channels[d.Channel]
	if isClosingEvent(d) {
		tx.endDelivery(c, d, state.StatusDropped, "the vendor no longer knows the thread")
		return
	}
	if ch == nil || !ch.Opens || d.Kind == state.KindOpen || d.Thread != "" || d.Reopened >= maxReopened {
		tx.giveUp(c, d, failure{kind: o.Error, text: o.Text})
		return
	}
	if ch.Role == envelope.RoleAgent && c.Closing != "" {
		tx.goneAfterClose(c, d, o)
		return
	}
	if ch.Role == envelope.RoleAgent && c.Owner == ch.Name && c.Home != ch.Name && c.Closing == "" {
		tx.ownerDisconnected(c, ch, &event{channel: ch.Name, role: ch.Role, reason: "gone"})
		if c.Delivery(d.ID) == nil || tx.closeRequested(c) {
			return
		}
	}
	tx.reopen(c, ch, d.Reopened+1, "the vendor no longer knows the thread")
}

// reopen opens another thread for a channel. It ends the deliveries of the lane with the text, and queues them again.
func (tx *Transaction) reopen(c *state.Conversation, ch *Channel, reopened uint32, text string) {
	tx.unlinkThread(c, ch.Name)
	lane := queueOf(c, ch.Name)
	var messages []state.Item // queued again, so not sent as history
	for i := range lane {
		tx.endDelivery(c, &lane[i], state.StatusMoved, text)
		if lane[i].Follows {
			messages = append(messages, lane[i].Items()...)
		}
	}
	tx.ensureThread(c, ch, false)
	var history []*journal.Item
	if c.Owner == ch.Name {
		history = tx.historyAfter(c, 0, "", messages)
	}
	if !ch.History {
		tx.queueTranscript(c, ch, history, reopened)
		history = nil
	}
	for i := range lane {
		switch d := &lane[i]; {
		case d.Kind == state.KindOpen || d.Kind == state.KindTranscript: // replaced above
		case d.Follows:
			tx.requeue(c, d, reopened, history)
			history = nil
		default:
			tx.requeue(c, d, reopened, nil)
		}
	}
}

// goneAfterClose handles a delivery to an agent who has left a closed conversation. The customer's messages in the
// lane go to the customer's next conversation. If this channel cannot have one (see mayContinue), the delivery is
// given up.
func (tx *Transaction) goneAfterClose(c *state.Conversation, d *state.Delivery, o *attempt.Outcome) {
	if tx.mayContinue(c) {
		tx.continueConversation(c, tx.reclaim(c, d.Channel))
		return
	}
	text := o.Text + "; no agent is called back, since " + c.Closing + " has closed the conversation"
	if d.Kind == state.KindTranscript { // its messages have other deliveries
		tx.endDelivery(c, d, state.StatusDropped, text)
		return
	}
	tx.deadLetter(c, d, o.Error, text)
}

// requeue queues a delivery again, with a new id. If history is not empty, it replaces the history of the delivery.
func (tx *Transaction) requeue(c *state.Conversation, d *state.Delivery, reopened uint32, history []*journal.Item) {
	again := d.Proto()
	if len(history) > 0 {
		again.History = history
	}
	again.Reopened, again.Epoch = reopened, c.Epoch
	tx.queue(c, again)
}
