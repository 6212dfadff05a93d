package writer

import (
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
)

// mayOpen reports whether the conversations that the envelopes open are within the limits of their channels. If no
// limit is reached before them, it admits and counts all of them, even if they exceed a limit, so that a webhook is
// never refused in part.
func (w *Writer) mayOpen(tx *conversation.Transaction, envelopes ...*inbound.Envelope) bool {
	if w.OpensPerMinute <= 0 {
		return true
	}
	type customer struct{ channel, thread string }
	var opened map[customer]bool
	for _, in := range envelopes {
		if !tx.Opens(in) {
			continue
		}
		if w.openingLimit(in.Channel).Tokens() < 1 {
			return false
		}
		if opened == nil {
			opened = map[customer]bool{}
		}
		opened[customer{in.Channel, in.Envelope.Thread}] = true
	}
	for c := range opened {
		w.openingLimit(c.channel).ReserveN(time.Now(), 1)
	}
	return true
}

func (w *Writer) openingLimit(channel string) *rate.Limiter {
	l := w.opens[channel]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(float64(w.OpensPerMinute)/60), max(w.OpensPerMinute/6, 1))
		w.opens[channel] = l
	}
	return l
}
