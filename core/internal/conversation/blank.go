package conversation

import (
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// isBlank reports whether an envelope is a message that has only blank texts. Such a message is stored and counted,
// but neither routed nor part of the history, because vendors refuse it.
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
