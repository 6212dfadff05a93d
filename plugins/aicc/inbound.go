package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// maxMessages is the most messages that one push may have.
const maxMessages = 1000

// unknownThread stands for the thread of a message that does not say for whom it is.
const unknownThread = "unknown"

// acceptedBody is the answer to a push that is stored (table 4): resultCode is the string 0.
const acceptedBody = `{"resultCode":"0","resultDesc":"success"}`

// Receive implements sdk.Receiver. A push is refused whole only if no channel's credentials fit, if it is
// too large, or if it has no array of messages; a message that can't be understood becomes an envelope
// of kind unparsed and leaves the others as they are. Envelopes are in the order of the messages.
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	if len(req.Body) > maxPush {
		return nil, tooLarge("body", fmt.Sprintf("%d bytes, at most %d", len(req.Body), maxPush))
	}
	verified, err := a.verified(req)
	if err != nil {
		return nil, err
	}
	items, err := parsePush(req.Body)
	if err != nil {
		return nil, err
	}
	b := batch{channels: verified, seen: map[string]int{}}
	var out []*envelope.Envelope
	for _, raw := range items {
		out = append(out, b.translate(raw)...)
	}
	return &sdk.Reception{
		Envelopes: out,
		Answer:    sdk.Response{Status: http.StatusOK, ContentType: jsonType, Body: []byte(acceptedBody)},
	}, nil
}

// parsePush splits a push into its messages. Its errors are typed and do not repeat what was sent.
func parsePush(body []byte) ([]json.RawMessage, error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		text := "not a JSON object"
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			text = fmt.Sprintf("not valid JSON at byte %d", se.Offset)
		}
		return nil, malformed("body", text)
	}
	var items []json.RawMessage
	if len(p.Messages) == 0 || p.Messages[0] != '[' {
		return nil, malformed("messages", "missing or not an array")
	}
	if err := json.Unmarshal(p.Messages, &items); err != nil {
		return nil, malformed("messages", "not an array")
	}
	if len(items) > maxMessages {
		return nil, tooLarge("messages", fmt.Sprintf("%d of them, at most %d", len(items), maxMessages))
	}
	return items, nil
}

func malformed(field, text string) error {
	return refuse(sdk.Invalid(field, "%s", text), http.StatusBadRequest, field+": "+text)
}

func tooLarge(field, text string) error {
	return refuse(sdk.Invalid(field, "%s", text), http.StatusRequestEntityTooLarge, field+": "+text)
}

// refuse completes an error by the status and the body that AICC is told "no" with.
func refuse(e *sdk.Error, status int, desc string) error {
	body, err := json.Marshal(map[string]string{"resultCode": strconv.Itoa(status), "resultDesc": desc})
	if err != nil {
		return fmt.Errorf("encode refusal: %w", err)
	}
	e.Status, e.Body = status, body
	return e
}

// batch is one push while it is translated. channels, at least one, have the push's credentials; seen
// counts equal messages.
type batch struct {
	channels []*channel
	seen     map[string]int
}

// translate gives the envelopes of one message: one, or more if it names more read messages than an
// envelope can. What is not understood, or would be no valid envelope, gives one of kind unparsed.
func (b *batch) translate(raw json.RawMessage) []*envelope.Envelope {
	var m downlink
	err := json.Unmarshal(raw, &m) // a field of a wrong type leaves the other fields filled
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s: has the wrong type", orWhole(te.Field))
	}
	c, known := b.channelOf(m.From)
	if err == nil && !known {
		err = errors.New("from: is the channel_id of no channel that these credentials belong to")
	}
	if err != nil {
		return []*envelope.Envelope{b.unparsed(c, &m, raw, err)}
	}
	e, err := m.envelope(c.name)
	if err != nil {
		return []*envelope.Envelope{b.unparsed(c, &m, raw, err)}
	}
	e.VendorID = b.vendorID(&m)
	out := splitReferences(e)
	for _, e := range out {
		if err := e.Validate(); err != nil {
			return []*envelope.Envelope{b.unparsed(c, &m, raw, err)}
		}
	}
	return out
}

// channelOf returns the channel that a message belongs to; if there is none, the first and false.
func (b *batch) channelOf(from string) (*channel, bool) {
	for _, c := range b.channels {
		if c.settings.ChannelID == from {
			return c, true
		}
	}
	return b.channels[0], false
}

// unparsed keeps a message that was not understood, with what is known of it. Raw holds no credentials:
// those are in the header alone.
func (b *batch) unparsed(c *channel, m *downlink, raw []byte, problem error) *envelope.Envelope {
	e := &envelope.Envelope{
		Channel:    c.name,
		VendorID:   b.ordinalID("unparsed", string(raw)),
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
	return e
}

// vendorID is messageCode for a chat message. Other messages may repeat the code of the message that they
// are about, and most have none: their id is derived from what they say.
func (b *batch) vendorID(m *downlink) string {
	if m.ControlType == controlChat && m.MessageCode != "" && len(m.MessageCode) <= envelope.MaxIDBytes {
		return m.MessageCode
	}
	return b.ordinalID(m.From, m.To, string(m.Timestamp), m.ControlType, m.SourceType, m.MediaType,
		string(m.Content), m.MessageCode)
}

// ordinalID derives an id from fields and from how many equal ones came before in this push, so that two
// equal notices in one push stay two, and a repeated push gives the same ids.
func (b *batch) ordinalID(fields ...string) string {
	key := envelope.ShortID(fields...)
	n := b.seen[key]
	b.seen[key]++
	return "derived-" + envelope.ShortID(key, strconv.Itoa(n))
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

func orWhole(field string) string {
	if field == "" {
		return "message"
	}
	return field
}
