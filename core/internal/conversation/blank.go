package conversation

import (
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// isBlank reports whether a message shows nothing, like one with only spaces or zero-width characters. Such a message
// is stored and counted, but neither routed nor part of the history: vendors refuse such messages.
func isBlank(e *envelope.Envelope) bool {
	if e.Kind != envelope.KindMessage {
		return false
	}
	for i := range e.Parts {
		if p := &e.Parts[i]; p.Type != envelope.PartText || !text.IsBlank(p.Text) {
			return false
		}
	}
	return true
}
