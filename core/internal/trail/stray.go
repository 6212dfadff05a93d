package trail

import (
	"slices"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/sdk/protocol"
)

// stray notes the positions of a record's envelopes that are wanted and belong to no conversation: those that wait
// for their thread, and those that no decision could be made on. It returns the conversations whose trails tell about
// them, "" if it is none's.
func stray(strays map[conversation.Position]bool, seq uint64, r *journal.Record, wanted map[string]bool) []string {
	var convs []string
	for i, s := range r.GetEnvelopes() {
		if s.GetConversation() == "" && (wanted[s.GetId()] || slices.ContainsFunc(vendorIDs(s), func(id string) bool { return wanted[id] })) {
			p := conversation.Position{Seq: seq, Index: uint32(i)}
			strays[p] = true
			convs = append(convs, whose(r, p))
		}
	}
	return convs
}

// whose returns the conversation in whose name the record speaks of an envelope.
func whose(r *journal.Record, p conversation.Position) string {
	for _, ch := range r.GetChanges() {
		if q, ok := about(ch); ok && p == q {
			return ch.GetConversation()
		}
	}
	return ""
}

// vendorIDs returns what the vendor calls an envelope: there is no change that says so if nothing was decided on it.
func vendorIDs(s *journal.Stored) []string {
	e, err := protocol.DecodeEnvelope(s.GetEnvelope())
	if err != nil {
		return nil
	}
	return slices.DeleteFunc([]string{e.VendorID, e.Thread}, func(id string) bool { return id == "" })
}

// about returns the envelope that a change is about, if the change may belong to no conversation.
func about(ch *journal.Change) (conversation.Position, bool) {
	var p *journal.Position
	switch k := ch.GetKind().(type) {
	case *journal.Change_Orphaned:
		p = k.Orphaned.GetPosition()
	case *journal.Change_OrphanEnded:
		p = k.OrphanEnded.GetPosition()
	case *journal.Change_Disposed:
		p = k.Disposed.GetPosition()
	case *journal.Change_DeadLettered:
		p = k.DeadLettered.GetDelivery().GetItem().GetPosition()
	}
	return conversation.Position{Seq: p.GetSeq(), Index: p.GetIndex()}, p != nil
}
