package conversation

import (
	"patchbay/sdk/envelope"
)

// stale returns why an envelope must not reach the customer, or "": the fence.
func (tx *Transaction) stale(c *Conversation, ch *Channel, e *envelope.Envelope, late bool) string {
	if ch.Role == envelope.RoleCustomer {
		return ""
	}
	th := c.Threads[ch.Name]
	switch asked := c.Offer != nil && c.Offer.Target == ch.Name; {
	case late:
		return "answer to a call of an earlier term"
	case c.Closing != "":
		return "the conversation has ended"
	case th == nil || th.ID != e.Thread:
		return "thread of an earlier term"
	case nanos(e.SentAt) != 0 && nanos(e.SentAt) <= th.EndedSent:
		return "sent in an earlier term"
	case asked && th.Live && (accepts(e) || e.Kind == envelope.KindDisconnected):
		return ""
	case ch.Name != c.Owner:
		return "not the owner"
	case ch.PerEpoch && th.Epoch != c.Epoch:
		return "thread of an earlier term"
	}
	return ""
}

// early reports whether a thread is a channel's last thread, which has ended, while the channel is opening the next
// one. The next may have the same name, so who spoke is known only when the result of opening is.
func (tx *Transaction) early(id string, ch *Channel, thread string) bool {
	c, ok := tx.convs.get(id)
	if !ok || c.Closing != "" {
		return false
	}
	th := c.Threads[ch.Name]
	if th == nil || th.ID != thread || th.Live || !opening(c, ch.Name) {
		return false
	}
	asked := c.Offer != nil && c.Offer.Target == ch.Name
	return asked || th.Epoch != c.Epoch
}

// accepts reports whether an envelope from an asked channel means that somebody took the conversation.
func accepts(e *envelope.Envelope) bool {
	return e.Kind == envelope.KindConnected || e.Kind == envelope.KindMessage && e.Sender.Role == envelope.RoleAgent
}
