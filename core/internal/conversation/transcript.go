package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
)

// sendTranscript queues, as text, the history that the channel has not received, without the given items. It does
// nothing for a channel that takes history, and for an owner to which the history of this epoch was already queued.
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
