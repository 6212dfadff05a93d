package writer

import (
	"golang.org/x/time/rate"

	"patchbay/core/internal/inbound"
	"patchbay/sdk/envelope"
)

// mayOpen reports whether the envelope belongs to a known conversation, or its channel is below the limit of new ones.
func (w *Writer) mayOpen(in *inbound.Envelope) bool {
	ch := w.Policy.Channels[in.Channel]
	if w.OpensPerMinute <= 0 || ch == nil || ch.Role != envelope.RoleCustomer {
		return true
	}
	if c := w.state.Conversation(w.state.Find(in.Channel, in.Envelope.Thread)); c != nil && c.Closing == "" {
		return true
	}
	l := w.opens[in.Channel]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(float64(w.OpensPerMinute)/60), max(w.OpensPerMinute/6, 1))
		w.opens[in.Channel] = l
	}
	return l.Allow()
}
