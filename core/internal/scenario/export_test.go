package scenario

import (
	"patchbay/core/internal/journal"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/state"
)

// Export exports a conversation of the World by its number, from 0. It returns false if there is no such conversation.
func (w *World) Export(conversation int, x *recorded.Export) (found bool) {
	x.Rules = w.policy.Routes
	x.Stored = func(p state.Position) *journal.StoredEnvelope { return w.records[p.Seq-1].GetEnvelopes()[p.Index] }
	for i, r := range w.records {
		for _, ch := range r.GetChanges() {
			if ch.GetOpened() != nil && x.Conversation == "" {
				if conversation--; conversation < 0 {
					x.Conversation = ch.GetConversation()
				}
			}
		}
		if x.Conversation != "" {
			x.Record(uint64(i+1), r)
		}
	}
	return x.Conversation != ""
}
