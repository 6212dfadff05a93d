package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// A vendor's pushes may arrive in another order than they were sent, or again after a refusal. So the departure of an
// owner takes effect departureGrace after its arrival. Until then the owner's messages that were sent before its
// departure are delivered, and the customer's envelopes wait for the next owner.

// ownerLeaves handles the departure of the owner, at the given time of the vendor's clock. If the time is not known, the
// owner's last messages cannot be recognized, and there is no grace.
func (tx *Transaction) ownerLeaves(c *state.Conversation, ch *Channel, ev *event, sent int64) {
	if sent == 0 {
		tx.ownerDisconnected(c, ch, ev)
		return
	}
	tx.unlinkThread(c, ch.Name)
	tx.add(c.ID, &journal.Change_Departing{Departing: &journal.Departing{
		Channel: ch.Name, SentAt: sent, Deadline: tx.at.Add(departureGrace).UnixNano(), Position: ev.item.Pos.Proto(),
		Reason: ev.reason, Id: tx.record.EnvelopeID(ev.item.Pos.Proto()),
	}})
	tx.holdQueued(c, ch.Name, true)
}

// holdQueued ends the deliveries to the owner, and holds the customer's messages among them until the departure takes
// effect or the pending offer ends.
func (tx *Transaction) holdQueued(c *state.Conversation, owner string, departing bool) {
	for _, it := range tx.reclaim(c, owner) {
		tx.hold(c, it, departing)
	}
}

// depart ends the grace of a departure.
func (tx *Transaction) depart(c *state.Conversation) {
	d := *c.Departure
	tx.add(c.ID, &journal.Change_Departed{Departed: &journal.Departed{Channel: d.Channel}})
	tx.wakeCustomer(c)
	if ch := tx.policy.Channels[d.Channel]; ch != nil {
		tx.ownerDisconnected(c, ch, &event{
			channel: ch.Name, role: ch.Role, item: state.Item{Pos: d.Pos}, id: d.ID, reason: d.Reason,
		})
	}
	if c.Closing == "" && !tx.closeRequested(c) && (c.Offer == nil || !c.Offer.Hold) {
		tx.releaseHeld(c)
	}
}

// isDeparting reports whether the owner of a conversation has left and its departure has not taken effect yet.
func (tx *Transaction) isDeparting(id string) bool {
	c := tx.layer.Conversation(id)
	return c != nil && c.Departure != nil
}

// mustWait reports whether a customer's envelope must wait: for a departure, or behind envelopes that have waited for
// one and are not admitted yet.
func (tx *Transaction) mustWait(id string, in *envelope.Envelope) bool {
	return tx.isDeparting(id) || tx.layer.PendingOnThread(in.Channel, in.Thread) > 0
}

// wakeCustomer makes the customer's waiting envelopes ready for AdmitPending.
func (tx *Transaction) wakeCustomer(c *state.Conversation) {
	if tx.layer.PendingOnThread(c.Channel, c.Thread) > 0 {
		tx.layer.SetPendingReady(true)
	}
}
