package writer

import (
	"golang.org/x/time/rate"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/sdk/envelope"
)

// mayOpen reports whether an envelope is within its channel's limit of new conversations. Envelopes that open no
// conversation always are.
func (w *Writer) mayOpen(tx *conversation.Transaction, in *inbound.Envelope) bool {
	ch := w.Policy.Channels[in.Channel]
	if w.OpensPerMinute <= 0 || ch == nil || ch.Role != envelope.RoleCustomer {
		return true
	}
	c := w.state.Conversation(w.state.Find(in.Channel, in.Envelope.Thread))
	if c != nil && c.Closing == "" || tx.IsDuplicate(in) {
		return true
	}
	l := w.opens[in.Channel]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(float64(w.OpensPerMinute)/60), max(w.OpensPerMinute/6, 1))
		w.opens[in.Channel] = l
	}
	return l.Allow()
}
