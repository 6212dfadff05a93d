package conversation

import (
	"maps"
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// A rule closes a conversation in two steps. The change Closing ends it for its participants: the customer's next
// message opens another conversation, and envelopes from other channels are fenced. Queued deliveries still go out,
// followed by the closing events. When the lanes are empty and closedRetention has passed, the change Closed
// removes it.

// reasonClosed is the reason of the deliveries that notify a channel about the end of its conversation.
const reasonClosed = "closed"

// closeRequest is a conversation that a rule closes at the end of the input.
type closeRequest struct {
	conv, rule string
	customer   bool // the rule matched a message of the customer
}

// beginInput starts an input; the returned function ends it. Requested closes take effect when the outermost input
// ends, so that the closing events are queued behind everything that the input causes.
func (tx *Transaction) beginInput() (end func()) {
	tx.inputDepth++
	endEvents := tx.beginEvents()
	return func() {
		endEvents()
		if tx.inputDepth--; tx.inputDepth > 0 {
			return
		}
		for len(tx.closeRequests) > 0 { // a close can cause events, and rules for these may request another close
			r := tx.closeRequests[0]
			tx.closeRequests = tx.closeRequests[1:]
			if c := tx.layer.Mutable(r.conv); c != nil && c.Closing == "" {
				tx.close(c, &r)
			}
		}
	}
}

// requestClose requests that the conversation be closed at the end of the input. It withdraws a pending offer
// immediately, so that the offer does not hold the message that the rule matched.
func (tx *Transaction) requestClose(c *state.Conversation, rule string) {
	if c.Offer != nil {
		tx.withdrawOffer(c, rule)
	}
	tx.closeRequests = append(tx.closeRequests, closeRequest{c.ID, rule, tx.deciding != state.Position{}})
}

func (tx *Transaction) closeRequested(c *state.Conversation) bool {
	return slices.ContainsFunc(tx.closeRequests, func(r closeRequest) bool { return r.conv == c.ID })
}

func (tx *Transaction) close(c *state.Conversation, r *closeRequest) {
	rule := r.rule
	for c.Offer != nil {
		tx.withdrawOffer(c, rule)
	}
	var undelivered []state.Item
	switch {
	case len(c.Held) == 0 && !hasLeft(c, c.Owner): // the owner gets the queued messages
	case tx.mayContinue(c):
		undelivered = tx.reclaim(c, c.Owner)
	default:
		tx.giveUpHeld(c, rule)
	}
	closing := &journal.Closing{Rule: rule}
	if !r.customer {
		closing.Unanswered = countUnanswered(c)
	}
	tx.add(c.ID, &journal.Change_Closing{Closing: closing})
	tx.wakeCustomer(c)
	tx.queueClosingEvent(c, c.Channel, rule)
	for _, name := range slices.Sorted(maps.Keys(tx.policy.Channels)) {
		if name != c.Channel && hasThread(c, name) {
			tx.queueClosingEvent(c, name, rule)
		}
	}
	tx.continueConversation(c, undelivered)
}

// hasThread reports whether a channel has a live thread or a queued open.
func hasThread(c *state.Conversation, channel string) bool {
	th := c.Threads[channel]
	return th != nil && th.Live ||
		slices.ContainsFunc(queued(c, channel), func(d state.Delivery) bool { return d.Kind == state.KindOpen })
}

// queueClosingEvent informs a channel about the end of its conversation: by the event closed, or by disconnected if the
// channel receives only this one. The event uses the thread that the channel has when it is sent.
func (tx *Transaction) queueClosingEvent(c *state.Conversation, channel, rule string) {
	ch := tx.policy.Channels[channel]
	e := &envelope.Envelope{Kind: envelope.KindClosed, Attributes: map[string]string{"reason": rule}}
	switch {
	case ch == nil:
		return
	case ch.Events[envelope.KindClosed]:
	case ch.Events[envelope.KindDisconnected] && channel != c.Channel:
		e = &envelope.Envelope{Kind: envelope.KindDisconnected, Attributes: map[string]string{"reason": reasonClosed}}
	default:
		return
	}
	tx.queue(c, &journal.Delivery{
		Channel: channel, Kind: state.KindSend, Item: tx.storeSystem(c, e).Proto(), Pieces: 1, Epoch: c.Epoch,
		Reason: reasonClosed,
	})
}

func isClosingEvent(d *state.Delivery) bool {
	return d.Kind == state.KindSend && d.Reason == reasonClosed && !d.Copy
}

// dropClosingEvents drops the queued closing events of a customer's former conversation. A vendor that uses one
// thread for all conversations of a customer would apply them to the new one.
func (tx *Transaction) dropClosingEvents(c *state.Conversation) {
	for _, l := range slices.Clone(c.Lanes) {
		for _, d := range slices.Clone(l.Queue) {
			if isClosingEvent(&d) {
				tx.endDelivery(c, &d, state.StatusDropped, "the customer opened another conversation")
			}
		}
	}
}
