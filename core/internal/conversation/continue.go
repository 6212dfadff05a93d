package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// Messages that a closed conversation could not deliver, because its owner has left, go to the owner of the customer's
// next conversation. Messages that were delivered, but not answered, begin its history.

// countUnanswered returns the number of the customer's messages at the end of the history.
func countUnanswered(c *state.Conversation) uint32 {
	n := uint32(0)
	for _, h := range slices.Backward(c.History) {
		if h.Channel != c.Channel {
			break
		}
		n++
	}
	return n
}

// mayContinue reports whether the gateway may open another conversation for the customer of a closed one. A customer
// channel that receives disconnected has sessions, which end with the conversation: an answer in a later conversation
// would not arrive.
func (tx *Transaction) mayContinue(c *state.Conversation) bool {
	ch := tx.policy.Channels[c.Channel]
	return ch != nil && ch.Role == envelope.RoleCustomer && !ch.Events[envelope.KindDisconnected]
}

// continueConversation sends the undelivered messages of a closed conversation in the customer's next one. It opens one
// if there is none.
func (tx *Transaction) continueConversation(c *state.Conversation, undelivered []state.Item) {
	if len(undelivered) == 0 {
		return
	}
	next := tx.currentConversation(&state.Customer{
		Channel: c.Channel, Thread: c.Thread, ID: c.SenderID, Name: c.SenderName,
	})
	for _, it := range undelivered {
		tx.sendToOwner(next, it, undelivered)
	}
}

// giveUpHeld gives up the messages that are held for a departure. Reason is the reason of the close.
func (tx *Transaction) giveUpHeld(c *state.Conversation, reason string) {
	for _, it := range slices.Clone(c.Held) {
		id := tx.queue(c, &journal.Delivery{
			Channel: c.Owner, Kind: state.KindSend, Item: it.Proto(), Epoch: c.Epoch, Follows: true,
		})
		d := *c.Delivery(id) // a copy, because deadLetter removes the delivery
		tx.deadLetter(c, &d, "gone", reason+" has closed the conversation after the owner had left")
	}
}

// currentConversation returns the customer's live conversation. It opens one if there is none.
func (tx *Transaction) currentConversation(customer *state.Customer) *state.Conversation {
	if id := tx.layer.Find(customer.Channel, customer.Thread); id != "" {
		tx.adapt(id)
		if c := tx.layer.Mutable(id); c != nil && c.Closing == "" {
			return c
		}
	}
	ch := tx.policy.Channels[customer.Channel]
	c := tx.layer.Mutable(tx.openConversation(customer))
	tx.runEvent(c, route.EventOpened, &event{channel: ch.Name, role: ch.Role})
	return c
}
