package writer

import (
	"sync"
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/sdk/protocol"
)

// maxAhead is the time by which a vendor's clock may be ahead of the gateway's.
const maxAhead = 2 * time.Minute

// vendorClocks bounds the times of vendors. Fencing compares them with each other, so one time in the future would
// fence all later answers of its thread.
type vendorClocks struct {
	warned sync.Map // channels with a logged warning
}

// boundTimes treats envelopes with a time in the future as sent now. It counts them, and logs the first one of each
// channel. A time is in the future if it is more than maxAhead ahead of both the gateway's clock and the system's.
func (w *Writer) boundTimes(in []*inbound.Envelope) {
	now := w.Now()
	latest := now
	if system := time.Now(); system.Round(0).After(latest.Round(0)) {
		latest = system
	}
	for _, e := range in {
		if e.Envelope == nil { // no decision on it is possible
			continue
		}
		ahead := e.Envelope.SentAt.Sub(latest)
		if ahead <= maxAhead {
			continue
		}
		e.Envelope.SentAt = now
		if bytes, err := protocol.EncodeEnvelope(e.Envelope); err == nil { // otherwise the log keeps the vendor's time
			e.Bytes = bytes
		}
		w.Observer.ClockAhead(e.Channel)
		if _, again := w.clocks.warned.LoadOrStore(e.Channel, true); !again {
			w.Logger.Warn("vendor's clock is ahead, its messages count as sent now", "channel", e.Channel,
				"ahead_seconds", ahead.Seconds())
		}
	}
}
