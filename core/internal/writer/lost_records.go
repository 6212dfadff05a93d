package writer

import (
	"context"
	"slices"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// foldableRecord returns a copy of a record that can be folded although earlier records may be lost. If the change
// that opened a conversation is lost, the copy opens the conversation again before the customer's next message. The
// copy does not contain other changes of unknown conversations; their messages are logged. Reopened has the ids of the
// conversations that the copy opens again.
func (w *Writer) foldableRecord(seq uint64, r *journal.Record) (out *journal.Record, reopened []string) {
	known := map[string]bool{"": true}
	out = &journal.Record{Lease: r.GetLease(), Revision: r.GetRevision(), At: r.GetAt(), Envelopes: r.GetEnvelopes()}
	for _, ch := range r.GetChanges() {
		id := ch.GetConversation()
		if ch.GetOpened() != nil || w.state.Conversation(id) != nil {
			known[id] = true
		}
		if opened := w.reopen(ch, r); !known[id] && opened != nil {
			w.Logger.Error("conversation is opened again because its first record is lost", "conversation", id,
				"channel", opened.GetChannel(), "thread", opened.GetThread(), "customer", opened.GetSenderId(), "record", seq)
			again := &journal.Change{Conversation: id}
			journal.SetKind(again, &journal.Change_Opened{Opened: opened})
			out.Changes = append(out.Changes, again)
			known[id] = true
			reopened = append(reopened, id)
		}
		if known[id] {
			out.Changes = append(out.Changes, ch)
		} else if a := ch.GetAccepted(); a != nil {
			w.Logger.Error("message is lost because its conversation is lost", "conversation", id,
				"id", r.EnvelopeID(a.GetPosition()), "channel", a.GetChannel(), "thread", a.GetThread(), "record", seq)
		}
	}
	return out, reopened
}

// reopen returns the change that opens a conversation again if ch accepted an envelope of a customer, otherwise nil.
func (w *Writer) reopen(ch *journal.Change, r *journal.Record) *journal.Opened {
	a := ch.GetAccepted()
	from := w.Policy.Channels[a.GetChannel()]
	if from == nil || from.Role != envelope.RoleCustomer || int(a.GetPosition().GetIndex()) >= len(r.GetEnvelopes()) {
		return nil
	}
	customer := state.Customer{Channel: a.GetChannel(), Thread: a.GetThread()}
	if e, err := protocol.DecodeEnvelope(r.GetEnvelopes()[a.GetPosition().GetIndex()].GetEnvelope()); err == nil {
		customer.ID, customer.Name = e.Sender.ID, e.Sender.Name
	}
	return w.Policy.Opening(&customer)
}

// isLost reports whether the disk has lost all records from first to last.
func (w *Writer) isLost(first, last uint64) bool {
	return slices.ContainsFunc(w.Log.Health().Missing, func(r store.Range) bool {
		return r.First <= first && last <= r.Last
	})
}

// logDamaged logs the messages that can still be read in damaged records. It skips a damaged record that is not
// missing: such a record at the end of the log was never acknowledged.
func (w *Writer) logDamaged() {
	for _, d := range w.Log.Damaged() {
		if !w.isLost(d.After+1, d.After+1) {
			continue
		}
		var r journal.Record
		_ = r.UnmarshalVT(d.Record) // r contains the envelopes before the damage
		for _, stored := range r.GetEnvelopes() {
			e, err := protocol.DecodeEnvelope(stored.GetEnvelope())
			if err != nil || stored.GetId() == "" {
				continue
			}
			w.Logger.Error("message is in a damaged record", "after_record", d.After, "id", stored.GetId(),
				"conversation", stored.GetConversation(), "channel", e.Channel, "thread", e.Thread,
				"role", string(e.Sender.Role), "sender", e.Sender.ID, "vendor_id", e.VendorID)
		}
	}
}

// giveUpLost logs the pending messages whose records are missing from the log, and makes their deliveries dead letters.
// For these and the reopened conversations, it opens the threads that deliveries need and whose opening is lost.
func (w *Writer) giveUpLost(ctx context.Context, now time.Time, reopened []string) error {
	missing := w.Log.Health().Missing
	isLost := func(p state.Position) bool {
		return slices.ContainsFunc(missing, func(r store.Range) bool { return r.First <= p.Seq && p.Seq <= r.Last })
	}
	w.logDamaged()
	ids := slices.Clone(reopened)
	if len(missing) > 0 {
		w.state.All(func(c *state.Conversation) bool {
			if w.logLost(c, isLost) {
				ids = append(ids, c.ID)
			}
			return true
		})
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return w.commitEach(ctx, now, ids, func(tx *conversation.Transaction, id string) bool {
		return tx.GiveUpLost(id, isLost)
	})
}

// logLost logs the lost messages that a conversation still needs. It reports whether there are any.
func (w *Writer) logLost(c *state.Conversation, isLost func(state.Position) bool) (found bool) {
	log := func(p state.Position, channel, delivery string) {
		if !isLost(p) {
			return
		}
		found = true
		w.Logger.Error("message is lost", "record", p.Seq, "index", p.Index, "conversation", c.ID, "channel", c.Channel,
			"thread", c.Thread, "customer", c.SenderID, "target", channel, "delivery", delivery)
	}
	for _, lane := range c.Lanes {
		for i := range lane.Queue {
			for _, it := range lane.Queue[i].Items() {
				log(it.Pos, lane.Channel, lane.Queue[i].ID)
			}
		}
	}
	for _, held := range c.Held {
		log(held.Pos, "", "")
	}
	for _, h := range c.History {
		if isLost(h.Pos) {
			w.Logger.Warn("message of the history is lost", "record", h.Pos.Seq, "index", h.Pos.Index, "conversation", c.ID,
				"channel", h.Channel, "role", h.Role, "thread", c.Thread, "customer", c.SenderID)
		}
	}
	return found
}
