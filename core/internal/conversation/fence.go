package conversation

import (
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// fenceReason returns why an envelope must not reach the customer or change the conversation, or "". Late marks a
// reply to a delivery that had already ended, or a reply in a closed conversation.
func (tx *Transaction) fenceReason(c *state.Conversation, ch *Channel, e *envelope.Envelope, late bool) string {
	th := c.Threads[ch.Name]
	if ch.Role == envelope.RoleCustomer {
		return fenceCustomer(th, e)
	}
	switch offered := c.Offer != nil && c.Offer.Target == ch.Name; {
	case late:
		return "reply to a call of an earlier epoch"
	case c.Closing != "":
		return "the conversation has ended"
	case th == nil || th.ID != e.Thread:
		return "thread of an earlier epoch"
	case unixNano(e.SentAt) != 0 && unixNano(e.SentAt) <= th.EndedSent:
		return "sent in an earlier epoch"
	case isFromEarlierSession(th, e):
		return "sent in an earlier session"
	case c.Departure != nil && c.Departure.Channel == ch.Name && isAfterDeparture(c.Departure, e):
		return "sent after the owner had left"
	case offered && th.Live && (acceptsOffer(e) || e.Kind == envelope.KindDisconnected):
		return ""
	case ch.Name != c.Owner:
		return "not the owner"
	case ch.PerEpoch && th.Epoch != c.Epoch:
		return "thread of an earlier epoch"
	}
	return ""
}

// fenceCustomer returns why an event of the customer's vendor belongs to an earlier conversation, or "". Messages are
// never fenced.
func fenceCustomer(th *state.Thread, e *envelope.Envelope) string {
	sent := unixNano(e.SentAt)
	if th == nil || sent == 0 {
		return ""
	}
	switch e.Kind {
	case envelope.KindDisconnected:
		if sent < th.FirstSent {
			return "sent before the conversation"
		}
	case envelope.KindConnected, envelope.KindHandoverRequested:
	default:
		return ""
	}
	if sent <= th.EndedSent {
		return "sent in an earlier conversation"
	}
	return ""
}

// isFromEarlierSession reports whether the vendor sent an envelope before the present session of its thread. Some
// vendors use one thread for all sessions of a customer. A disconnected is the last envelope of its session. So a
// disconnected that is older than the first envelope of the present session belongs to an earlier session.
func isFromEarlierSession(th *state.Thread, e *envelope.Envelope) bool {
	sent := unixNano(e.SentAt)
	if sent == 0 || th.LastSent == 0 { // the vendor's clock is not known
		return false
	}
	if e.Kind == envelope.KindDisconnected && sent < th.FirstSent {
		return true
	}
	return sent+int64(th.Lag+sessionTolerance) < th.StartedAt
}

// isAfterDeparture reports whether an envelope of the departed owner is fenced during the grace: the vendor sent it
// after the departure, its time is not known, or it is another disconnected.
func isAfterDeparture(d *state.Departure, e *envelope.Envelope) bool {
	sent := unixNano(e.SentAt)
	return sent == 0 || sent > d.SentAt || e.Kind == envelope.KindDisconnected
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
