package conversation

import (
	"maps"
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// A rule, close_after or an operator closes a conversation in two steps. The change Closing ends it for its
// participants: the customer's next message opens another conversation, and envelopes from other channels are fenced.
// Queued deliveries still go out, followed by the closing events. When the lanes are empty and closedRetention has
// passed, the change Closed removes it.

// reasonClosed is the reason of the deliveries that notify a channel about the end of its conversation.
const reasonClosed = "closed"

// closeRequest is a request to close a conversation at the end of the input.
type closeRequest struct {
	conv, reason string // reason is the name of a rule, state.ReasonCloseAfter or reasonOperator
	customer     bool   // a rule matched a message of the customer
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

// requestClose requests the close of a conversation at the end of the input. It withdraws a pending offer immediately,
// so that the offer does not hold the message that the rule matched.
func (tx *Transaction) requestClose(c *state.Conversation, reason string) {
	if c.Offer != nil {
		tx.withdrawOffer(c, reason)
	}
	tx.closeRequests = append(tx.closeRequests, closeRequest{c.ID, reason, tx.deciding != state.Position{}})
}

func (tx *Transaction) closeRequested(c *state.Conversation) bool {
	return slices.ContainsFunc(tx.closeRequests, func(r closeRequest) bool { return r.conv == c.ID })
}

// close ends a conversation. The rules for the event closed run before the closing events are queued.
func (tx *Transaction) close(c *state.Conversation, r *closeRequest) {
	defer tx.beginEvents()()
	for c.Offer != nil {
		tx.withdrawOffer(c, r.reason)
		tx.runEvents() // a rule can make another offer
	}
	var undelivered []state.Item
	switch {
	case len(c.Held) == 0 && !hasLeft(c, c.Owner): // the owner gets the queued messages
	case tx.mayContinue(c):
		undelivered = tx.reclaim(c, c.Owner)
	default:
		tx.giveUpHeld(c, r.reason)
	}
	tx.runClosed(c, r.reason)
	closing := &journal.Closing{Rule: r.reason}
	if !r.customer {
		closing.Unanswered = countUnanswered(c)
	}
	tx.add(c.ID, &journal.Change_Closing{Closing: closing})
	tx.wakeCustomer(c)
	tx.queueClosingEvent(c, c.Channel, shownClosing(r.reason))
	for _, name := range slices.Sorted(maps.Keys(tx.policy.Channels)) {
		ch := tx.policy.Channels[name]
		if name != c.Channel && ch.Role != envelope.RoleObserver && hasThread(c, name) {
			tx.queueClosingEvent(c, name, r.reason)
		}
	}
	tx.continueConversation(c, undelivered)
}

// shownClosing returns the reason of a close as the customer's channel gets it: shownRule replaces the name of a rule.
func shownClosing(reason string) string {
	if reason == state.ReasonCloseAfter || reason == reasonOperator {
		return reason
	}
	return shownRule
}

// runClosed runs the rules for the end of a conversation. They have no other effects than say and copy.
func (tx *Transaction) runClosed(c *state.Conversation, reason string) {
	ev := &event{channel: c.Channel, reason: reason}
	if ch := tx.policy.Channels[c.Channel]; ch != nil {
		ev.role = ch.Role
	}
	tx.applyEvent(c, route.EventClosed, ev)
}

// hasThread reports whether a channel has a live thread or a queued open.
func hasThread(c *state.Conversation, channel string) bool {
	th := c.Threads[channel]
	return th != nil && th.Live ||
		slices.ContainsFunc(queueOf(c, channel), func(d state.Delivery) bool { return d.Kind == state.KindOpen })
}

// queueClosingEvent informs a channel about the end of its conversation: by the event closed, or by disconnected if the
// channel receives only this one. The event uses the thread that the channel has when it is sent.
func (tx *Transaction) queueClosingEvent(c *state.Conversation, channel, reason string) {
	ch := tx.policy.Channels[channel]
	e := &envelope.Envelope{Kind: envelope.KindClosed, Attributes: map[string]string{"reason": reason}}
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

// dropClosingEvents drops the queued closing events of a customer's former conversation. A vendor that uses one thread
// for all conversations of a customer would apply them to the new conversation.
func (tx *Transaction) dropClosingEvents(c *state.Conversation) {
	for _, l := range slices.Clone(c.Lanes) {
		for _, d := range slices.Clone(l.Queue) {
			if isClosingEvent(&d) {
				tx.endDelivery(c, &d, state.StatusDropped, "the customer opened another conversation")
			}
		}
	}
}
