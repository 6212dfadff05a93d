package trail

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// unassignedEnvelope is an envelope without a conversation: its thread is pending or was never known, or no decision
// on it was possible. Changes do not contain the vendor's id of such an envelope.
type unassignedEnvelope struct {
	vendorID string
	text     string
	shown    bool // an entry has the text
}

// addTo adds the vendor's id to an entry, and the text to the first entry if withText is set.
func (u *unassignedEnvelope) addTo(e *Entry, withText bool) {
	e.VendorID = u.vendorID
	if withText && !u.shown {
		e.Text, u.shown = u.text, true
	}
}

// matchUnassigned finds a record's unassigned envelopes with a searched id, and the conversations of their changes.
func (s *search) matchUnassigned(seq uint64, r *journal.Record) {
	for i, st := range r.GetEnvelopes() {
		if st.GetConversation() != "" {
			continue
		}
		p := state.Position{Seq: seq, Index: uint32(i)}
		e, err := protocol.DecodeEnvelope(st.GetEnvelope())
		if err != nil {
			e = &envelope.Envelope{}
		}
		conv, delivery := changeOf(r, p)
		if matched := s.matches(st.GetId(), e.VendorID, e.Thread, delivery); matched && s.unassigned[p] == nil {
			s.unassigned[p] = &unassignedEnvelope{vendorID: e.VendorID, text: shownText(e)}
			s.addConversation(conv, seq)
		}
	}
}

// changeOf returns the conversation of the change that refers to an unassigned envelope. If the change is
// DeadLettered, it also returns the id of the delivery. Results that do not apply are "".
func changeOf(r *journal.Record, p state.Position) (conv, delivery string) {
	for _, ch := range r.GetChanges() {
		if q, ok := unassignedPosition(ch); ok && p == q {
			return ch.GetConversation(), ch.GetDeadLettered().GetDelivery().GetId()
		}
	}
	return "", ""
}

// unassignedPosition returns the position of the envelope in a change that can refer to an unassigned envelope. It
// returns false for other changes.
func unassignedPosition(ch *journal.Change) (state.Position, bool) {
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
	return positionOf(p), p != nil
}

// trackPending tracks envelopes on pending threads. When an envelope gets a conversation, its entries move there.
func (s *search) trackPending(ch *journal.Change, p state.Position, r *journal.Record) {
	switch ch.GetKind().(type) {
	case *journal.Change_ThreadPending:
		s.pending[p] = true
	case *journal.Change_PendingEnded:
		delete(s.pending, p)
		for _, st := range r.GetEnvelopes() {
			if c := s.found[st.GetConversation()]; c != nil && st.GetConversation() != "" && st.GetId() == s.envelopes[p] {
				s.moveEntries(p, c)
			}
		}
	}
}

func (s *search) moveEntries(p state.Position, to *collectedEntries) {
	from := s.found[""]
	if from == nil {
		return
	}
	for _, d := range from.drafts {
		if d.position == p {
			to.drafts = append(to.drafts, d)
		}
	}
	from.drafts = slices.DeleteFunc(from.drafts, func(d draft) bool { return d.position == p })
}
