package writer

import (
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
)

// customer identifies a customer without a live conversation.
type customer struct{ channel, thread string }

// mayOpen returns the customers whose conversations the envelopes open. ok is false if the limit of one of their
// channels is already reached. If no limit is reached before the envelopes, it admits all of them, even if they exceed a
// limit, so that a webhook is never refused in part.
func (w *Writer) mayOpen(
	tx *conversation.Transaction, envelopes ...*inbound.Envelope,
) (opened map[customer]bool, ok bool) {
	if w.OpensPerMinute <= 0 {
		return nil, true
	}
	for _, in := range envelopes {
		if !tx.Opens(in) {
			continue
		}
		if w.openingLimit(in.Channel).Tokens() < 1 {
			return nil, false
		}
		if opened == nil {
			opened = map[customer]bool{}
		}
		opened[customer{in.Channel, in.Envelope.Thread}] = true
	}
	return opened, true
}

// countOpened counts opened conversations towards the limits of their channels.
func (w *Writer) countOpened(opened map[customer]bool) {
	for c := range opened {
		w.openingLimit(c.channel).ReserveN(time.Now(), 1)
	}
}

func (w *Writer) openingLimit(channel string) *rate.Limiter {
	l := w.opens[channel]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(float64(w.OpensPerMinute)/60), max(w.OpensPerMinute/6, 1))
		w.opens[channel] = l
	}
	return l
}
