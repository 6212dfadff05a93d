package render

import (
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// attrSpeaker is the attribute of a part with the role of its author, in an envelope with earlier messages.
const attrSpeaker = "role"

// SpeakerBytes bounds the bytes that a transcript adds to each message: the speaker, a colon, a space and a line end.
const SpeakerBytes = 16

// Transcript returns messages and handover requests as text, separated by line ends. Each message begins with its
// speaker.
func Transcript(history []*envelope.Envelope) string {
	lines := make([]string, len(history))
	for i, e := range history {
		if e.Kind == envelope.KindMessage {
			lines[i] = speaker(e.Sender.Role) + ": " + FullText(e, nil)
		} else {
			lines[i] = HandoverText(e)
		}
	}
	return strings.Join(lines, "\n")
}

// HandoverText returns the earlier messages that a customer's vendor sends with a handover request. Each part is a
// message. It begins with its speaker if the part names one.
func HandoverText(e *envelope.Envelope) string {
	var lines []string
	for i := range e.Parts {
		p := &e.Parts[i]
		line := PartText(p)
		if text.IsBlank(line) {
			continue
		}
		switch role := envelope.Role(p.Attributes[attrSpeaker]); role {
		case envelope.RoleCustomer, envelope.RoleBot, envelope.RoleAgent:
			line = speaker(role) + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// speaker returns the name of a role in a transcript. SpeakerBytes bounds its length.
func speaker(r envelope.Role) string {
	switch r {
	case envelope.RoleCustomer:
		return "Customer"
	case envelope.RoleBot:
		return "Assistant"
	case envelope.RoleAgent:
		return "Agent"
	default:
		return "System"
	}
}
