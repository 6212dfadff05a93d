package main

import (
	"slices"
	"strconv"

	"patchbay/sdk/envelope"
)

// derivedPrefix begins the ids that the adapter derives for messages without a messageCode.
const derivedPrefix = "derived-"

// vendorID returns the messageCode of an agent's CHAT, which identifies that message (table 3). Events may carry the
// code of the message they refer to, and most other messages have none: their ids are derived from their fields.
func (b *batch) vendorID(c *channel, m *downlink) string {
	if m.ControlType == controlChat && m.SourceType == sourceAgent &&
		m.MessageCode != "" && len(m.MessageCode) <= envelope.MaxIDBytes {
		return m.MessageCode
	}
	content, ok := literalText(m.Content)
	if !ok {
		content = string(m.Content)
	}
	at, _ := literalText(m.Timestamp)
	return b.derivedID(c, m.To, at, m.ControlType, m.SourceType, m.MediaType, content)
}

// derivedID derives an id from fields and from the number of earlier equal messages of the channel in this call. Two
// equal notices in one push get different ids, and a repeated push gets the same ids.
func (b *batch) derivedID(c *channel, fields ...string) string {
	equal := envelope.ShortID(append([]string{c.name}, fields...)...)
	n := b.counts[equal]
	b.counts[equal]++
	return derivedPrefix + envelope.ShortID(append(slices.Clone(fields), strconv.Itoa(n))...)
}

// splitReferences distributes the references of a read event over as many envelopes as necessary.
func splitReferences(e *envelope.Envelope) []*envelope.Envelope {
	refs := e.RefersTo
	if len(refs) <= envelope.MaxReferences {
		return []*envelope.Envelope{e}
	}
	var out []*envelope.Envelope
	for i := 0; i < len(refs); i += envelope.MaxReferences {
		piece := *e
		piece.RefersTo = refs[i:min(i+envelope.MaxReferences, len(refs))]
		piece.VendorID = e.VendorID + "-" + strconv.Itoa(len(out))
		out = append(out, &piece)
	}
	return out
}
