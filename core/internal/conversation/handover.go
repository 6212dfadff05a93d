package conversation

import (
	"strings"

	"patchbay/sdk/envelope"
)

// attrSpeaker is the attribute of a part that says who said it, where an envelope repeats what others have said.
const attrSpeaker = "role"

// HandedOver puts what a customer's vendor tells when it asks for somebody else into words: a line for each part, with who
// said it where the part tells.
func HandoverText(e *envelope.Envelope) string {
	var lines []string
	for i := range e.Parts {
		p := &e.Parts[i]
		line := PartText(p)
		if line == "" {
			continue
		}
		switch envelope.Role(p.Attributes[attrSpeaker]) {
		case envelope.RoleCustomer, envelope.RoleBot, envelope.RoleAgent:
			line = SpeakerLabel(envelope.Role(p.Attributes[attrSpeaker])) + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Speaker names who said a line of a transcript; at most 14 bytes with a colon and a blank.
func SpeakerLabel(r envelope.Role) string {
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

// isHistory reports whether an envelope is part of what travels with control: what people and bots say, and what a
// customer's vendor tells of before.
func isHistory(ch *Channel, e *envelope.Envelope) bool {
	switch e.Kind {
	case envelope.KindMessage:
		return ch.Role != envelope.RoleObserver
	case envelope.KindHandoverRequested:
		return ch.Role == envelope.RoleCustomer && len(e.Parts) > 0
	}
	return false
}

// call has the owner come, if that is somebody who must be called: an agent is told at once that a person is wanted, with what was
// said before. It reports whether it is.
func (tx *Transaction) call(c *Conversation) bool {
	owner := tx.policy.Channels[c.Owner]
	if owner == nil || owner.Role != envelope.RoleAgent || c.Offer != nil && c.Offer.Hold {
		return false
	}
	tx.reach(c, owner, false)
	tx.transcript(c, owner, nil)
	return true
}
