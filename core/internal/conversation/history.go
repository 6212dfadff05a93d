package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// isHistory reports whether an envelope becomes part of the history: messages, and the earlier messages that a
// customer's vendor sends with a handover request.
func isHistory(ch *Channel, e *envelope.Envelope) bool {
	switch e.Kind {
	case envelope.KindMessage:
		return ch.Role != envelope.RoleObserver
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

// historyAfter returns the history after entry number seen, oldest first, without the messages of one channel and
// without the given items.
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

// sendTranscript queues the history that the channel has not received as text. It does nothing for a channel that takes
// history, or if the owner has received it in this epoch.
func (tx *Transaction) sendTranscript(c *state.Conversation, ch *Channel, without []state.Item) {
	if ch.History || c.HistoryEpoch == c.Epoch && c.Owner == ch.Name {
		return
	}
	tx.queueTranscript(c, ch, tx.unseenHistory(c, ch, without), 0)
}

// queueTranscript queues messages as text. Short messages share a delivery, long ones are split.
func (tx *Transaction) queueTranscript(c *state.Conversation, ch *Channel, items []*journal.Item, reopened uint32) {
	limit := uint32(ch.TextBytes)
	queue := func(items []*journal.Item, piece, count uint32) {
		tx.queue(c, &journal.Delivery{
			Channel: ch.Name, Kind: state.KindTranscript, Epoch: c.Epoch, History: items, Piece: piece, Pieces: count,
			Reopened: reopened,
		})
	}
	var group []*journal.Item
	var size uint32
	flush := func() {
		if len(group) > 0 {
			queue(group, 0, 1)
			group, size = nil, 0
		}
	}
	for _, it := range items {
		n := max(it.GetTextBytes(), it.GetExtent().GetBytesWithMedia()) + render.SpeakerBytes
		if limit > 0 && n > limit {
			flush()
			count := render.CountPieces(n, int(limit))
			for i := range count {
				queue([]*journal.Item{it}, i, count)
			}
			continue
		}
		if limit > 0 && size+n > limit {
			flush()
		}
		group, size = append(group, it), size+n
	}
	flush()
}
