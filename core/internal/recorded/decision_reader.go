package recorded

import (
	"slices"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// DecisionReader folds records into a state, and returns the runs of the rules in these records. It skips the runs in
// conversations that were opened before the first record.
type DecisionReader struct {
	// Policy is the policy of the running configuration. It has the roles of the channels.
	Policy *conversation.Policy
	// Wanted selects conversations; nil means all.
	Wanted func(conversation string) bool
	// Stored returns an envelope of an earlier record, or nil. The field may be nil if there are no earlier records.
	Stored func(state.Position) *journal.StoredEnvelope

	state *state.State
}

// Record folds one record. It calls yield with each run of the rules, in order.
func (r *DecisionReader) Record(seq uint64, rec *journal.Record, yield func(*Decision)) {
	if r.state == nil {
		r.state = state.New()
	}
	at := time.Unix(0, rec.GetAt())
	layer := state.NewLayer(r.state, at, seq, rec)
	for _, ch := range rec.GetChanges() {
		id := ch.GetConversation()
		if id == "" && ch.GetLeaseStarted() == nil || id != "" && r.Wanted != nil && !r.Wanted(id) {
			continue
		}
		if routed := ch.GetRouted(); routed.GetChannel() != "" {
			if c := layer.Conversation(id); c != nil {
				yield(r.decision(seq, at, rec, c, routed))
			}
		}
		_ = layer.Fold(ch) // fails for a conversation that was opened before the first record
	}
	layer.Commit()
}

func (r *DecisionReader) decision(
	seq uint64, at time.Time, rec *journal.Record, c *state.Conversation, routed *journal.Routed,
) *Decision {
	d := &Decision{
		Seq: seq, At: at.UTC(), Revision: rec.GetRevision(), Conversation: c.ID, Rules: slices.Clone(routed.GetRules()),
		Errors: routed.GetErrors(),
	}
	if d.Rules == nil {
		d.Rules = []string{}
	}
	var e *envelope.Envelope
	if stored := r.envelope(seq, rec, routed.GetPosition()); stored != nil {
		d.Message = stored.GetId()
		e, _ = protocol.DecodeEnvelope(stored.GetEnvelope())
	}
	f := conversation.RecordedFacts(r.Policy, at, c, routed, e)
	d.Facts = factsOf(f, conversation.ClosedChannels(r.Policy, at, routed), routed.GetDone())
	return d
}

func (r *DecisionReader) envelope(seq uint64, rec *journal.Record, p *journal.Position) *journal.StoredEnvelope {
	switch {
	case p.GetSeq() == seq && int(p.GetIndex()) < len(rec.GetEnvelopes()):
		return rec.GetEnvelopes()[p.GetIndex()]
	case p.GetSeq() == 0 || r.Stored == nil:
		return nil
	}
	return r.Stored(state.Position{Seq: p.GetSeq(), Index: p.GetIndex()})
}
