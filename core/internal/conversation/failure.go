package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

// When a message of the customer or of the owner is given up, the rules for delivery_failed run before the dead letter
// is recorded. They run once for each pair of message and channel.

// failure is the reason why a delivery is given up.
type failure struct {
	kind, text string // of the error
	code       string // the adapter's reason code, if it declined the delivery
}

// runDeliveryFailed runs the rules for the messages of a delivery that is given up. If a rule moves control, the
// customer's messages follow control; if it makes an offer, they are held. In both cases, the delivery has ended, and
// runDeliveryFailed returns true.
func (tx *Transaction) runDeliveryFailed(c *state.Conversation, d *state.Delivery, f failure) (followed bool) {
	if c.Closing != "" || !tx.policy.Routes.Handles(route.EventDeliveryFailed) {
		return false
	}
	group := deliveriesFailedWith(c, d)
	var messages []*journal.Position
	var first state.Item
	isNew := false
	for i := range group {
		if g := &group[i]; g.Follows || g.Answer {
			for _, it := range g.Items() {
				messages = append(messages, it.Pos.Proto())
			}
			isNew = isNew || !c.HasFailed(g.Item.Pos, d.Channel)
			if first.Pos.Seq == 0 {
				first = g.Item
			}
		}
	}
	if !isNew {
		return false
	}
	ev := &event{channel: d.Channel, item: first, reason: f.kind}
	if f.code != "" {
		ev.reason = f.code
	}
	if ch := tx.policy.Channels[d.Channel]; ch != nil {
		ev.role = ch.Role
	}
	tx.add(c.ID, &journal.Change_DeliveryFailed{DeliveryFailed: &journal.DeliveryFailed{
		Channel: d.Channel, Messages: messages, Reason: ev.reason, Delivery: d.ID,
	}})
	rule := finalRule(tx.applyEvent(c, route.EventDeliveryFailed, ev))
	tx.runEvents()
	if c.Delivery(d.ID) == nil { // control has moved
		return true
	}
	if rule == nil || rule.Offer == nil || c.Offer == nil || d.Answer {
		return false
	}
	if d.Kind == state.KindOpen {
		tx.endDead(c, d, f.kind, f.text)
		tx.wakePending(c, d)
	}
	tx.holdQueued(c, d.Channel, false)
	return true
}

// deliveriesFailedWith returns the deliveries that fail together with d, in order.
func deliveriesFailedWith(c *state.Conversation, d *state.Delivery) []state.Delivery {
	if d.Kind == state.KindOpen {
		return dependentsOf(c, d)
	}
	return []state.Delivery{*d}
}
