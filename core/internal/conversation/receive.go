package conversation

import (
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// Verdict is the result of receiving an envelope.
type Verdict int

// The verdicts. After VerdictBusy, the envelope is not stored: its vendor is asked to send it again.
const (
	VerdictAccepted Verdict = iota
	VerdictDuplicate
	VerdictBusy
)

// Receive decides on an envelope that a channel received.
func (tx *Transaction) Receive(in *inbound.Envelope) Verdict { return tx.receive(in, false) }

// receive implements Receive. Late is set for a reply to a delivery that had already ended, or in a closed
// conversation.
func (tx *Transaction) receive(in *inbound.Envelope, late bool) Verdict {
	defer tx.beginInput()()
	ch := tx.policy.Channels[in.Channel]
	if ch == nil {
		return VerdictBusy // the channel was removed during the call
	}
	thread := in.Envelope.Thread
	id := tx.layer.Find(in.Channel, thread)
	if tx.IsDuplicate(in) {
		return tx.recordDuplicate(id, in)
	}
	if !tx.adapt(id) {
		return VerdictBusy
	}
	if ch.Role != envelope.RoleCustomer {
		// Envelopes that arrived earlier on the thread may still be pending.
		earlierPending := tx.layer.PendingReady() && !late && tx.layer.PendingOnThread(in.Channel, thread) > 0
		if id == "" || earlierPending || tx.isBetweenThreads(id, ch, thread) {
			return tx.keepPending(in)
		}
		return tx.accept(id, ch, in, late, false)
	}
	if tx.mustWait(id, in.Envelope) {
		return tx.keepPending(in)
	}
	return tx.receiveCustomer(id, ch, in)
}

// receiveCustomer decides on an envelope of a customer. id is the customer's conversation, or "" if there is none.
func (tx *Transaction) receiveCustomer(id string, ch *Channel, in *inbound.Envelope) Verdict {
	if c := tx.layer.Conversation(id); c != nil && c.Closing != "" {
		id = ""
	}
	if id != "" {
		return tx.accept(id, ch, in, false, false)
	}
	if isBlank(in.Envelope) {
		pos := tx.store(in.Bytes, in.Envelope, nil)
		tx.dispose("", pos, in.Channel, state.StatusBlank, "", "")
		return VerdictAccepted
	}
	if !opensConversation(in.Envelope.Kind) {
		pos := tx.store(in.Bytes, in.Envelope, nil)
		tx.dispose("", pos, in.Channel, state.StatusUnrouted, string(in.Envelope.Kind)+" does not open a conversation", "")
		return VerdictAccepted
	}
	sender := in.Envelope.Sender
	id = tx.openConversation(&state.Customer{
		Channel: in.Channel, Thread: in.Envelope.Thread, ID: sender.ID, Name: sender.Name,
	})
	return tx.accept(id, ch, in, false, true)
}

// Opens reports whether Receive would open a conversation for an envelope.
func (tx *Transaction) Opens(in *inbound.Envelope) bool {
	ch := tx.policy.Channels[in.Channel]
	if ch == nil || ch.Role != envelope.RoleCustomer || !opensConversation(in.Envelope.Kind) || isBlank(in.Envelope) {
		return false
	}
	c := tx.layer.Conversation(tx.layer.Find(in.Channel, in.Envelope.Thread))
	return (c == nil || c.Closing != "") && !tx.IsDuplicate(in)
}

// opensConversation reports whether a customer's envelope of this kind opens a conversation if there is none. Other
// kinds, such as read and typing, refer to an earlier conversation.
func opensConversation(k envelope.Kind) bool {
	switch k {
	case envelope.KindMessage, envelope.KindConnected, envelope.KindHandoverRequested:
		return true
	}
	return false
}

// openConversation opens a conversation of a customer. If the state still has a closed conversation of this customer,
// its messages without an answer begin the history.
func (tx *Transaction) openConversation(customer *state.Customer) string {
	opened := tx.policy.Opening(customer)
	if former := tx.layer.Mutable(tx.layer.Find(customer.Channel, customer.Thread)); former != nil {
		tx.dropClosingEvents(former)
		for _, it := range former.UnansweredItems() {
			opened.Unanswered = append(opened.Unanswered, it.Proto())
		}
	}
	id := tx.newID()
	tx.add(id, &journal.Change_Opened{Opened: opened})
	return id
}

// accept stores an envelope in a conversation and routes it. Opened is set if the envelope has opened the conversation.
func (tx *Transaction) accept(id string, ch *Channel, in *inbound.Envelope, late, opened bool) Verdict {
	defer tx.beginEvents()()
	c := tx.layer.Mutable(id)
	if c.Undelivered() >= MaxUndelivered {
		return VerdictBusy
	}
	e := in.Envelope
	fenced := tx.fenceReason(c, ch, e, late)
	pos := tx.store(in.Bytes, e, c)
	it := itemOf(pos, e)
	tx.add(c.ID, &journal.Change_Accepted{Accepted: &journal.Accepted{
		Position: pos.Proto(), Channel: in.Channel, Thread: e.Thread, VendorId: e.VendorID, Digest: digestOf(in),
		Kind: string(e.Kind), Role: string(e.Sender.Role), TextBytes: it.TextBytes, Rich: it.Rich,
		Extent: it.Proto().GetExtent(), History: fenced == "" && isHistory(ch, e), SentAt: unixNano(e.SentAt),
		Fenced: fenced != "", AnswersSeparate: true,
	}})
	switch {
	case e.Hops > MaxHops:
		tx.dispose(c.ID, pos, ch.Name, state.StatusUnrouted, "too many hops", "")
	case e.Kind == envelope.KindEcho || e.Kind == envelope.KindUnparsed:
		tx.dispose(c.ID, pos, ch.Name, state.StatusUnrouted, string(e.Kind), "")
	case fenced != "":
		tx.dispose(c.ID, pos, ch.Name, state.StatusFenced, fenced, "")
	case isBlank(e):
		tx.dispose(c.ID, pos, ch.Name, state.StatusBlank, "", "")
	case ch.Role == envelope.RoleCustomer:
		tx.routeCustomer(c, ch, e, pos, opened)
	default:
		tx.routeOwner(c, ch, e, pos)
	}
	return VerdictAccepted
}

func unixNano(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}
