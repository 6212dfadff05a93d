package conversation

import (
	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

type sendOptions struct {
	thread   string // not the channel's current one
	follows  bool
	copy     bool
	reason   string
	reopened uint32
	// companions are queued in the same step and so are not history.
	companions []Item
}

// follow queues a customer's message to whoever has control.
// It is sent without those of its companions that are on their way, too, as history.
func (tx *Transaction) follow(c *Conversation, it Item, companions []Item) {
	ch := tx.policy.Channels[c.Owner]
	if ch == nil { // not configured any more, and no home to fall back to: the operator decides
		d := &journal.Delivery{Id: tx.newID(), Channel: c.Owner, Kind: KindSend, Item: it.proto(), Epoch: c.Epoch, Follows: true}
		tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: d}})
		queued := *c.find(d.GetId()) // a copy: ending the delivery moves what the pointer points to
		tx.dead(c, &queued, "unconfigured", "channel "+c.Owner+" is not in the configuration")
		return
	}
	tx.send(c, ch, it, sendOptions{follows: true, companions: companions})
}

// send queues one envelope towards a channel, in pieces if it is long, and before it whatever must come first.
func (tx *Transaction) send(c *Conversation, ch *Channel, it Item, o sendOptions) {
	var history []*journal.Item
	if o.thread == "" {
		tx.reach(c, ch, false)
		if o.follows && c.HistoryEpoch != c.Epoch {
			if ch.History {
				history = tx.unseen(c, ch, append([]Item{it}, o.companions...))
			} else {
				tx.transcript(c, ch, append([]Item{it}, o.companions...))
			}
		}
	}
	pieces := it.pieces(ch)
	for i := range pieces {
		d := &journal.Delivery{
			Id: tx.newID(), Channel: ch.Name, Kind: KindSend, Item: it.proto(), Piece: i, Pieces: pieces, Epoch: c.Epoch,
			Thread: o.thread, Follows: o.follows, Copy: o.copy, Reason: o.reason, Reopened: o.reopened,
		}
		if i == 0 {
			d.History = history
		}
		tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: d}})
	}
}

// reach makes sure that the channel has a thread for this term, or that opening one is queued.
func (tx *Transaction) reach(c *Conversation, ch *Channel, asked bool) {
	if ch.Name == c.Channel {
		return
	}
	th := c.Threads[ch.Name]
	if th != nil && th.Live && (!ch.PerEpoch || th.Epoch == c.Epoch) {
		return
	}
	if opening(c, ch.Name) {
		return
	}
	reason := ""
	if c.Offer != nil && asked {
		reason = c.Offer.Rule
	}
	if !ch.Opens {
		tx.link(c, ch.Name, CustomerID(c), nil, false)
		return
	}
	tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{
		Id: tx.newID(), Channel: ch.Name, Kind: KindOpen, Epoch: c.Epoch, Offer: asked, Reason: reason,
	}}})
}

// link gives the channel its thread and takes in what already came on it.
func (tx *Transaction) link(c *Conversation, channel, thread string, state []byte, former bool) {
	l := &journal.Linked{Channel: channel, Thread: thread, Epoch: c.Epoch, State: state, HasState: state != nil, Former: former}
	tx.add(c.ID, &journal.Change_Linked{Linked: l})
	tx.adopt(channel, thread)
}

// unseen returns what the channel has not yet seen, oldest first, without the items that it will get anyway.
// A channel with a new thread each term has seen nothing.
func (tx *Transaction) unseen(c *Conversation, ch *Channel, without []Item) []*journal.Item {
	if ch.PerEpoch {
		return tx.entries(c, 0, "", without)
	}
	var seen uint64
	if th := c.Threads[ch.Name]; th != nil {
		seen = th.Seen
	}
	return tx.entries(c, seen, ch.Name, without)
}

// entries returns what was said after entry number seen, oldest first, but for one channel's own words and some items.
func (tx *Transaction) entries(c *Conversation, seen uint64, own string, without []Item) []*journal.Item {
	skip := map[Position]bool{tx.deciding: true}
	for _, it := range without {
		skip[it.Pos] = true
	}
	var out []*journal.Item
	for i := max(0, len(c.History)-tx.policy.History); i < len(c.History); i++ {
		h := &c.History[i]
		number := c.HistoryCount - uint64(len(c.History)-1-i)
		if number > seen && !skip[h.Pos] && h.Channel != own {
			out = append(out, h.Item.proto())
		}
	}
	return out
}

// labelBytes is what a transcript adds to each message: who said it, and a line end.
const labelBytes = 16

// transcript queues what the channel has not yet seen as text, in pieces that fit.
func (tx *Transaction) transcript(c *Conversation, ch *Channel, without []Item) {
	if ch.History || c.HistoryEpoch == c.Epoch && c.Owner == ch.Name {
		return
	}
	tx.transcribe(c, ch, tx.unseen(c, ch, without), 0)
}

// transcribe queues messages as text, in pieces that fit.
func (tx *Transaction) transcribe(c *Conversation, ch *Channel, items []*journal.Item, reopened uint32) {
	limit := uint32(ch.TextBytes)
	queue := func(items []*journal.Item, piece, count uint32) {
		tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{
			Id: tx.newID(), Channel: ch.Name, Kind: KindTranscript, Epoch: c.Epoch, History: items, Piece: piece, Pieces: count,
			Reopened: reopened,
		}}})
	}
	var part []*journal.Item
	var size uint32
	flush := func() {
		if len(part) > 0 {
			queue(part, 0, 1)
			part, size = nil, 0
		}
	}
	for _, it := range items {
		n := max(it.GetTextBytes(), it.GetExtent().GetBytesWithMedia()) + labelBytes
		if limit > 0 && n > limit {
			flush()
			count := pieces(n, int(limit))
			for i := range count {
				queue([]*journal.Item{it}, i, count)
			}
			continue
		}
		if limit > 0 && size+n > limit {
			flush()
		}
		part, size = append(part, it), size+n
	}
	flush()
}

// CustomerID is the customer's id for vendors whose ids are short: the same for this customer for ever.
func CustomerID(c *Conversation) string { return envelope.ShortID(c.Channel, c.Thread) }
