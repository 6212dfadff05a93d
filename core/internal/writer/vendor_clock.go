package writer

import (
	"sync"
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/sdk/protocol"
)

// maxAhead is the maximum time by which a vendor's clock may be ahead of the gateway's clock.
const maxAhead = 2 * time.Minute

// vendorClocks bounds the times of vendors. Fencing compares them with each other, so one time in the future would
// fence all later answers of its thread.
type vendorClocks struct {
	warned sync.Map // channels with a logged warning
}

// boundTimes replaces the vendor's time by the present time in envelopes that seem to come from the future: their time
// is more than maxAhead ahead of both the gateway's clock and the system's clock. It counts these envelopes, and logs
// the first one of each channel.
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
