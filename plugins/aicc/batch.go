package main

import (
	"encoding/json"
	"errors"
	"strconv"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// unknownThread is the thread of messages without a user id.
const unknownThread = "unknown"

// batch translates the messages of one push or of one poll.
type batch struct {
	channels []*channel     // authenticated by the push; at least one
	counts   map[string]int // number of equal messages so far, see derivedID
	user     string         // the polled user, "" for a push
}

// translate returns the envelopes of one message: usually one, more if a READ lists more ids than an envelope can hold.
// A message that cannot be parsed, or whose envelope would be invalid, becomes one envelope of kind unparsed.
func (b *batch) translate(raw json.RawMessage) []*envelope.Envelope {
	m, err := readDownlink(raw)
	if m.To == "" {
		m.To = b.user
	}
	c, found := b.channelOf(m.From)
	if err == nil && !found {
		err = invalid("from", "is the channel_id of no channel that accepts these credentials")
	}
	if err != nil {
		return []*envelope.Envelope{b.addUnparsed(c, m, raw, err)}
	}
	e, err := m.envelope(c, b.user != "")
	if err != nil {
		return []*envelope.Envelope{b.addUnparsed(c, m, raw, err)}
	}
	e.VendorID = b.vendorID(c, m)
	out := splitReferences(e)
	for _, e := range out {
		if err := e.Validate(); err != nil {
			return []*envelope.Envelope{b.addUnparsed(c, m, raw, err)}
		}
	}
	return out
}

// channelOf returns the channel that a message belongs to, or the first channel and false. A poll has only one channel,
// which receives all its messages.
func (b *batch) channelOf(from string) (*channel, bool) {
	for _, c := range b.channels {
		if c.settings.ChannelID == from || b.user != "" {
			return c, true
		}
	}
	return b.channels[0], false
}

// addUnparsed preserves a message that cannot be parsed, with the fields that are known, and counts it. Raw contains no
// credentials: AICC sends those in the header only.
func (b *batch) addUnparsed(c *channel, m *downlink, raw []byte, problem error) *envelope.Envelope {
	e := &envelope.Envelope{
		Channel:    c.name,
		VendorID:   b.derivedID(c, "unparsed", string(raw)),
		Thread:     m.To,
		Sender:     envelope.Sender{Role: envelope.RoleSystem},
		Kind:       envelope.KindUnparsed,
		Attributes: map[string]string{"problem": text.Clip(problem.Error(), maxProblem)},
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
	c.metrics.countUnparsed(c.name, field)
	return e
}
