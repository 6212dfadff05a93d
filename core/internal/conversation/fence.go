package conversation

import (
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// fenceReason returns why an envelope must not reach the customer, or "".
func (tx *Transaction) fenceReason(c *state.Conversation, ch *Channel, e *envelope.Envelope, late bool) string {
	if ch.Role == envelope.RoleCustomer {
		return ""
	}
	th := c.Threads[ch.Name]
	switch offered := c.Offer != nil && c.Offer.Target == ch.Name; {
	case late:
		return "reply to a call of an earlier epoch"
	case c.Closing != "":
		return "the conversation has ended"
	case th == nil || th.ID != e.Thread:
		return "thread of an earlier epoch"
	case unixNano(e.SentAt) != 0 && unixNano(e.SentAt) <= th.EndedSent:
		return "sent in an earlier epoch"
	case offered && th.Live && (acceptsOffer(e) || e.Kind == envelope.KindDisconnected):
		return ""
	case ch.Name != c.Owner:
		return "not the owner"
	case ch.PerEpoch && th.Epoch != c.Epoch:
		return "thread of an earlier epoch"
	}
	return ""
}

// isBetweenThreads reports whether a channel's thread has ended and its next one is being opened. The vendor may use
// the same id for both, so the thread of an envelope is not known until the open has an outcome.
func (tx *Transaction) isBetweenThreads(id string, ch *Channel, thread string) bool {
	c := tx.layer.Conversation(id)
	if c == nil || c.Closing != "" {
		return false
	}
	th := c.Threads[ch.Name]
	if th == nil || th.ID != thread || th.Live || !isOpening(c, ch.Name) {
		return false
	}
	offered := c.Offer != nil && c.Offer.Target == ch.Name
	return offered || th.Epoch != c.Epoch
}

// acceptsOffer reports whether an envelope from the target of an offer means that an agent has taken the conversation.
func acceptsOffer(e *envelope.Envelope) bool {
	return e.Kind == envelope.KindConnected || e.Kind == envelope.KindMessage && e.Sender.Role == envelope.RoleAgent
}
