package conversation

import (
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// Overloaded returns the channel that an envelope goes to, if this channel works but cannot keep up with its messages.
// The vendor is asked to send the envelope again. Otherwise Overloaded returns "". Duplicates, blank messages and
// events are never refused: vendors often do not repeat events, and without them the state of the conversation is
// wrong. All envelopes of a transaction see the same state of a channel's calls.
func (tx *Transaction) Overloaded(in *inbound.Envelope) (channel string) {
	limit := tx.policy.RefuseAfter
	if limit == 0 || in.Envelope.Kind != envelope.KindMessage || isBlank(in.Envelope) {
		return ""
	}
	c, to := tx.recipient(in)
	if to == "" {
		return ""
	}
	calls := tx.callsOf(to)
	overloaded := calls.CannotKeepUp(limit) || calls.IsSaturated(limit) && tx.isBacklogged(c, to, limit)
	if !overloaded || tx.IsDuplicate(in) {
		return ""
	}
	return to
}

func (tx *Transaction) callsOf(channel string) attempt.ChannelState {
	s, known := tx.calls[channel]
	if !known {
		s = tx.policy.Calls(channel)
		tx.calls[channel] = s
	}
	return s
}

// recipient returns the channel that an envelope goes to unless a rule decides otherwise, and the conversation, which
// is nil if the envelope opens it. The channel is "" if the envelope is fenced or has to wait.
func (tx *Transaction) recipient(in *inbound.Envelope) (c *state.Conversation, channel string) {
	ch := tx.policy.Channels[in.Channel]
	if ch == nil {
		return nil, ""
	}
	c = tx.layer.Conversation(tx.layer.Find(in.Channel, in.Envelope.Thread))
	customer := ch.Role == envelope.RoleCustomer
	switch {
	case customer && (c == nil || c.Closing != ""):
		return nil, tx.policy.owner(ch)
	case c == nil || c.Departure != nil || tx.fenceReason(c, ch, in.Envelope, false) != "":
		return nil, ""
	case customer && (c.Offer == nil || !c.Offer.Hold):
		return c, c.Owner
	case ch.Name == c.Owner:
		return c, c.Channel
	}
	return nil, ""
}

// isBacklogged reports whether a new message would wait in a lane for longer than the limit. This is so if the second
// delivery of the lane has waited for longer, and the first one waits only for its call to start or end.
func (tx *Transaction) isBacklogged(c *state.Conversation, channel string, limit time.Duration) bool {
	if c == nil {
		return false
	}
	lane := c.Lane(channel)
	if lane == nil || len(lane.Queue) < 2 {
		return false
	}
	head, second := &lane.Queue[0], &lane.Queue[1]
	return head.Error == "" && head.Item.Extent.Media == 0 && tx.policy.MayRelease(c, head, tx.at) &&
		tx.at.Sub(second.QueuedAt)-tx.policy.WaitTime(c, second, tx.at) > limit
}
