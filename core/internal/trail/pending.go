package trail

import (
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// stray is an envelope that belongs to no conversation: it waits for its thread, or no decision could be made on it.
// What its vendor calls it stands in the envelope alone.
type stray struct {
	vendorID string
	text     string
	told     bool // text has been shown
}

// strays notes the wanted ones among a record's envelopes that belong to no conversation, and finds the conversations
// in whose name the record speaks of them, "" if it is in none's.
func (s *search) strays(seq uint64, r *journal.Record) {
	for i, st := range r.GetEnvelopes() {
		if st.GetConversation() != "" {
			continue
		}
		p := conversation.Position{Seq: seq, Index: uint32(i)}
		e, err := protocol.DecodeEnvelope(st.GetEnvelope())
		if err != nil {
			e = &envelope.Envelope{}
		}
		conv, delivery := mentioned(r, p)
		if hit := s.hit(st.GetId(), e.VendorID, e.Thread, delivery); hit && s.lost[p] == nil {
			s.lost[p] = &stray{vendorID: e.VendorID, text: e.Text()}
			s.find(conv, seq)
		}
	}
}

// mentioned returns the conversation in whose name a record speaks of an envelope, and the delivery, if it is dead.
func mentioned(r *journal.Record, p conversation.Position) (conv, delivery string) {
	for _, ch := range r.GetChanges() {
		if q, ok := about(ch); ok && p == q {
			return ch.GetConversation(), ch.GetDeadLettered().GetDelivery().GetId()
		}
	}
	return "", ""
}

// about returns the envelope that a change is about, if the change may belong to no conversation.
func about(ch *journal.Change) (conversation.Position, bool) {
	var p *journal.Position
	switch k := ch.GetKind().(type) {
	case *journal.Change_ThreadPending:
		p = k.ThreadPending.GetPosition()
	case *journal.Change_PendingEnded:
		p = k.PendingEnded.GetPosition()
	case *journal.Change_Disposed:
		p = k.Disposed.GetPosition()
	case *journal.Change_DeadLettered:
		p = k.DeadLettered.GetDelivery().GetItem().GetPosition()
	}
	return at(p), p != nil
}

// complement adds what only the stray itself knows to a step about it.
func (st *stray) complement(e *Entry, text bool) {
	e.VendorID = st.vendorID
	if text && !st.told {
		e.Text, st.told = st.text, true
	}
}
