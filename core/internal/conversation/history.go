package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// isHistory reports whether an envelope becomes part of the history: messages, and the earlier messages that a
// customer's vendor sends with a handover request.
func isHistory(ch *Channel, e *envelope.Envelope) bool {
	switch e.Kind {
	case envelope.KindMessage:
		return ch.Role != envelope.RoleObserver && !isBlank(e)
	case envelope.KindHandoverRequested:
		return ch.Role == envelope.RoleCustomer && len(e.Parts) > 0
	}
	return false
}

// unseenHistory returns the history that the channel has not received, oldest first, without the given items. A channel
// with a thread per epoch has received nothing on its new thread.
func (tx *Transaction) unseenHistory(c *state.Conversation, ch *Channel, without []state.Item) []*journal.Item {
	if ch.PerEpoch {
		return tx.historyAfter(c, 0, "", without)
	}
	var seen uint64
	if th := c.Threads[ch.Name]; th != nil {
		seen = th.Seen
	}
	return tx.historyAfter(c, seen, ch.Name, without)
}

// historyAfter returns the entries of the history whose numbers are greater than seen, oldest first, from the newest
// policy.History entries. It leaves out the messages of the channel except, the given items, and the message that is
// being decided.
func (tx *Transaction) historyAfter(
	c *state.Conversation, seen uint64, except string, without []state.Item,
) []*journal.Item {
	skip := map[state.Position]bool{tx.deciding: true}
	for _, it := range without {
		skip[it.Pos] = true
	}
	var out []*journal.Item
	for i := max(0, len(c.History)-tx.policy.History); i < len(c.History); i++ {
		h := &c.History[i]
		number := c.HistoryCount - uint64(len(c.History)-1-i)
		if number > seen && !skip[h.Pos] && h.Channel != except {
			out = append(out, h.Item.Proto())
		}
	}
	return out
}
