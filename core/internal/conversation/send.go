package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// sendOrHold sends a customer's message to the owner. It holds the message while an offer with hold is pending, during
// a departure, and behind messages that are held.
func (tx *Transaction) sendOrHold(c *state.Conversation, m *message) state.Decision {
	if m.role != envelope.RoleCustomer {
		tx.dispose(c.ID, m.pos, m.channel, state.StatusUnrouted, "a message is not sent back to its sender", "")
		return state.Decision{Status: state.StatusUnrouted}
	}
	if c.Offer != nil && (c.Offer.Hold || len(c.Held) > 0) {
		tx.hold(c, m.item, false)
		return state.Decision{Status: state.StatusHeld}
	}
	tx.sendToOwner(c, m.item, nil)
	if c.Departure != nil {
		return state.Decision{Status: state.StatusHeld}
	}
	return state.Decision{Status: state.StatusSent, Channel: c.Owner}
}

// sendToOwner queues a customer's message to the owner, or holds it until the departure of the owner takes effect.
// Together lists the items that are queued to the owner in the same step. The history does not repeat them.
func (tx *Transaction) sendToOwner(c *state.Conversation, it state.Item, together []state.Item) {
	if c.Departure != nil {
		tx.hold(c, it, true)
		return
	}
	tx.needAnswer(c, it.Pos)
	tx.endAnswerWait(c)
	ch := tx.policy.Channels[c.Owner]
	if ch == nil { // neither the owner nor the home is configured
		id := tx.queue(c, &journal.Delivery{
			Channel: c.Owner, Kind: state.KindSend, Item: it.Proto(), Epoch: c.Epoch, Follows: true,
		})
		d := *c.Delivery(id) // a copy, because deadLetter removes the delivery
		tx.deadLetter(c, &d, "unconfigured", "channel "+c.Owner+" is not in the configuration")
		return
	}
	tx.send(c, ch, it, sendOptions{follows: true, together: together})
}

// hold holds a customer's message until the pending offer ends, or until the departure of the owner takes effect. It does
// nothing if the message is held already.
func (tx *Transaction) hold(c *state.Conversation, it state.Item, departing bool) {
	if slices.ContainsFunc(c.Held, func(h state.Item) bool { return h.Pos == it.Pos }) {
		return
	}
	tx.needAnswer(c, it.Pos)
	tx.add(c.ID, &journal.Change_Held{Held: &journal.Held{Item: it.Proto(), Departing: departing}})
}

func (tx *Transaction) sendToCustomer(c *state.Conversation, m *message) state.Decision {
	ch := tx.policy.Channels[c.Channel]
	isAnswer := m.envelope.Sender.Role != envelope.RoleSystem
	_, vanished := tx.policy.Vanished[c.Channel]
	switch {
	case ch != nil:
		tx.send(c, ch, m.item, sendOptions{answer: isAnswer})
	case vanished: // undivided, because the channel's limits are not known
		tx.queue(c, &journal.Delivery{
			Channel: c.Channel, Kind: state.KindSend, Item: m.item.Proto(), Pieces: 1, Epoch: c.Epoch, Answer: isAnswer,
		})
	default:
		tx.dispose(c.ID, m.pos, m.channel, state.StatusUnrouted, "the customer's channel is not configured", "")
		return state.Decision{Status: state.StatusUnrouted}
	}
	return state.Decision{Status: state.StatusSent, Channel: c.Channel}
}

// notify sends an event to a channel that receives its kind. Thread is "" for the channel's current thread.
func (tx *Transaction) notify(
	c *state.Conversation, ch *Channel, thread string, kind envelope.Kind, attrs map[string]string,
) {
	if ch == nil || !ch.Events[kind] {
		return
	}
	it := tx.storeSystem(c, &envelope.Envelope{Kind: kind, Attributes: attrs})
	tx.send(c, ch, it, sendOptions{thread: thread})
}

type sendOptions struct {
	thread   string // if not the channel's current thread
	follows  bool
	answer   bool
	copy     bool
	decision state.Decision // about the original of a copy
	reason   string
	together []state.Item // see sendToOwner
}

// send queues an envelope for a channel, divided into as many deliveries as the channel needs. It first queues an open
// and a transcript if they are needed. For a channel that takes history, the first delivery contains the history.
func (tx *Transaction) send(c *state.Conversation, ch *Channel, it state.Item, o sendOptions) {
	var history []*journal.Item
	if o.thread == "" {
		tx.ensureThread(c, ch, false)
		if o.follows && c.HistoryEpoch != c.Epoch {
			without := append([]state.Item{it}, o.together...)
			if ch.History {
				history = tx.unseenHistory(c, ch, without)
			} else {
				tx.sendTranscript(c, ch, without)
			}
		}
	}
	count := it.Extent.CountDeliveries(it.TextBytes, &ch.Target)
	for i := range count {
		tx.queue(c, &journal.Delivery{
			Channel: ch.Name, Kind: state.KindSend, Item: it.Proto(), Piece: i, Pieces: count, Epoch: c.Epoch,
			Thread: o.thread, Follows: o.follows, Answer: o.answer, Copy: o.copy, Decision: o.decision.Status,
			DecisionChannel: o.decision.Channel, Reason: o.reason, History: history,
		})
		history = nil
	}
}

// queue assigns an id to a delivery, puts it at the end of its lane and returns the id.
func (tx *Transaction) queue(c *state.Conversation, d *journal.Delivery) string {
	d.Id = tx.newID()
	tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: d}})
	return d.Id
}

// endDelivery removes a delivery from its lane.
func (tx *Transaction) endDelivery(c *state.Conversation, d *state.Delivery, status, text string) {
	tx.add(c.ID, &journal.Change_Ended{Ended: &journal.Ended{
		Delivery: d.ID, Status: status, Text: text, Channel: d.Channel, Attempts: d.Attempts,
	}})
	tx.wakePending(c, d)
}

// queueOf returns the deliveries of a lane for reading. The list does not change when the lane changes.
func queueOf(c *state.Conversation, channel string) []state.Delivery {
	if l := c.Lane(channel); l != nil {
		return l.Queue
	}
	return nil
}
