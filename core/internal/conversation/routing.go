package conversation

import (
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// routeCustomer routes an envelope from the customer.
func (tx *Transaction) routeCustomer(
	c *state.Conversation, ch *Channel, e *envelope.Envelope, pos state.Position, opened bool,
) {
	if e.Kind == envelope.KindMessage {
		tx.deciding = pos
		defer func() { tx.deciding = state.Position{} }()
	}
	if opened || e.Kind == envelope.KindMessage || e.Kind == envelope.KindHandoverRequested {
		tx.rememberAttributes(c, e.Attributes)
	}
	if opened {
		tx.runEvent(c, route.EventOpened, &event{channel: ch.Name, role: ch.Role})
	}
	switch e.Kind {
	case envelope.KindMessage:
		tx.routeMessage(c, &message{channel: ch.Name, role: ch.Role, envelope: e, pos: pos, item: itemOf(pos, e)})
	case envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested:
		requested := e.Kind == envelope.KindHandoverRequested
		matched := tx.runEvent(c, route.Event(e.Kind), &event{
			channel: ch.Name, role: ch.Role, item: itemOf(pos, e), reason: e.Attributes["reason"],
		})
		if isHistory(ch, e) {
			tx.needAnswer(c, pos)
		}
		if !matched && !(requested && tx.notifyAgent(c)) && !isHistory(ch, e) {
			tx.dispose(c.ID, pos, ch.Name, state.StatusUnrouted, "no rule for "+string(e.Kind), "")
		}
	default:
		tx.forward(c, c.Owner, e, pos)
	}
}

// routeOwner routes an envelope from the owner, or from the target of the pending offer.
func (tx *Transaction) routeOwner(c *state.Conversation, ch *Channel, e *envelope.Envelope, pos state.Position) {
	accepted := false
	if c.Offer != nil && c.Offer.Target == ch.Name {
		if e.Kind == envelope.KindDisconnected {
			tx.unlinkThread(c, ch.Name)
			tx.failOffer(c, state.OfferClosed, e.Attributes["reason"])
			return
		}
		tx.acceptOffer(c)
		tx.runEvents()
		accepted = true
	}
	ev := &event{channel: ch.Name, role: ch.Role, item: itemOf(pos, e), reason: e.Attributes["reason"]}
	switch e.Kind {
	case envelope.KindMessage:
		tx.routeMessage(c, &message{
			channel: ch.Name, role: ch.Role, envelope: e, pos: pos, item: itemOf(pos, e), toCustomer: true,
		})
	case envelope.KindDisconnected:
		tx.ownerLeaves(c, ch, ev, unixNano(e.SentAt))
	case envelope.KindConnected, envelope.KindHandoverRequested:
		if !tx.runEvent(c, route.Event(e.Kind), ev) && !accepted {
			tx.dispose(c.ID, pos, ch.Name, state.StatusUnrouted, "no rule for "+string(e.Kind), "")
		}
	default:
		tx.forward(c, c.Channel, e, pos)
	}
}

// forward sends an event that rules cannot match, such as read or typing, to a channel that receives it. Typing and
// read events neither open a thread nor wait for one.
func (tx *Transaction) forward(c *state.Conversation, to string, e *envelope.Envelope, pos state.Position) {
	ch := tx.policy.Channels[to]
	if ch == nil || !ch.receives(e.Kind) {
		tx.dispose(c.ID, pos, e.Channel, state.StatusUnrouted, to+" does not receive "+string(e.Kind), "")
		return
	}
	var o sendOptions
	switch e.Kind {
	case envelope.KindTyping:
		o.reason = state.ReasonTyping
	case envelope.KindRead:
		o.reason = state.ReasonRead
	}
	if o.reason != "" && ch.Opens && needsThread(c, ch) {
		tx.dispose(c.ID, pos, e.Channel, state.StatusDropped, to+" has no thread for it", "")
		return
	}
	tx.send(c, ch, state.Item{Pos: pos}, o)
}
