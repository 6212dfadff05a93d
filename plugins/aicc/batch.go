package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"patchbay/sdk/envelope"
)

// unknownThread stands for the thread of a message that does not say for whom it is.
const unknownThread = "unknown"

// derivedPrefix begins the ids of messages that have none of the vendor's.
const derivedPrefix = "derived-"

// batch is one push, or one answer of poll, while it is translated. channels, at least one, have the push's
// credentials; seen counts equal messages.
type batch struct {
	channels []*channel
	seen     map[string]int
	// receiver is the user who was polled, "" for a push. Then the only channel is known, and messages that do not say
	// for whom they are are this user's.
	receiver string
}

// translate gives the envelopes of one message: one, or more if it names more read messages than an
// envelope can. What is not understood, or would be no valid envelope, gives one of kind unparsed.
func (b *batch) translate(raw json.RawMessage) []*envelope.Envelope {
	m, err := readDownlink(raw)
	if m.To == "" {
		m.To = b.receiver
	}
	c, known := b.channelOf(m.From)
	if err == nil && !known {
		err = wrong("from", "is the channel_id of no channel that these credentials belong to")
	}
	if err != nil {
		return []*envelope.Envelope{b.unparsed(c, m, raw, err)}
	}
	e, err := m.envelope(c, b.receiver != "")
	if err != nil {
		return []*envelope.Envelope{b.unparsed(c, m, raw, err)}
	}
	e.VendorID = b.vendorID(c, m)
	out := splitReferences(e)
	for _, e := range out {
		if err := e.Validate(); err != nil {
			return []*envelope.Envelope{b.unparsed(c, m, raw, err)}
		}
	}
	return out
}

// channelOf returns the channel that a message belongs to; if there is none, the first and false.
func (b *batch) channelOf(from string) (*channel, bool) {
	for _, c := range b.channels {
		if c.settings.ChannelID == from || b.receiver != "" {
			return c, true
		}
	}
	return b.channels[0], false
}

// unparsed keeps a message that was not understood, with what is known of it, and counts it. Raw holds no credentials:
// those are in the header alone.
func (b *batch) unparsed(c *channel, m *downlink, raw []byte, problem error) *envelope.Envelope {
	e := &envelope.Envelope{
		Channel:    c.name,
		VendorID:   b.derivedID(c, "unparsed", string(raw)),
		Thread:     m.To,
		Sender:     envelope.Sender{Role: envelope.RoleSystem},
		Kind:       envelope.KindUnparsed,
		Attributes: map[string]string{"problem": clip(problem.Error(), maxProblem)},
		Raw:        raw,
	}
	if role, ok := senderRoles[m.SourceType]; ok {
		e.Sender.Role = role
	}
	if e.Thread == "" || len(e.Thread) > envelope.MaxThreadBytes {
		e.Thread = unknownThread
	}
	if at, err := milliTime(m.Timestamp); err == nil {
		e.SentAt = at
	}
	if len(raw) > envelope.MaxRawBytes {
		e.Raw = raw[:envelope.MaxRawBytes]
		e.Attributes["raw_bytes"] = strconv.Itoa(len(raw))
	}
	field := ""
	if fe, ok := errors.AsType[*fieldError](problem); ok {
		field = fe.field
	}
	c.metrics.countUnknown(c.name, field)
	return e
}

// vendorID is messageCode for an agent's chat message. Other messages may repeat the code of the message that they
// are about, and most have none: their id is derived from what they say.
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

// derivedID derives an id from fields and from how many equal messages of the channel came before in this call, so that
// two equal notices in one push stay two, and a repeated push gives the same ids.
func (b *batch) derivedID(c *channel, fields ...string) string {
	equal := envelope.ShortID(append([]string{c.name}, fields...)...)
	n := b.seen[equal]
	b.seen[equal]++
	return derivedPrefix + envelope.ShortID(append(slices.Clone(fields), strconv.Itoa(n))...)
}

// splitReferences spreads the references of a read event over as many envelopes as they need.
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
