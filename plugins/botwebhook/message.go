package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Attributes of envelopes.
const (
	attrProblem  = "botwebhook.problem"  // why a call was not understood
	attrSkipped  = "botwebhook.skipped"  // what of a message could not be taken over
	attrRawBytes = "botwebhook.raw_size" // length of a body that was too long to be kept whole
)

// Times up to maxSeconds are seconds, later ones milliseconds: it is the year 5138 in seconds and 1973 in
// milliseconds. maxMilliseconds is the end of the year 9999.
const (
	maxSeconds      = 100_000_000_000
	maxMilliseconds = 253_402_300_799_999
)

// translate makes the envelope of a call that is no test. What is well-formed but says nothing that can be
// passed on becomes an unparsed envelope, with the body.
func translate(name string, call *callBody, body []byte) (*envelope.Envelope, *webhook.Fault) {
	e := &envelope.Envelope{Channel: name, Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleBot}}
	var f *webhook.Fault
	if e.VendorID, f = identifier(call.MessageID, "message_id"); f != nil {
		return nil, f
	}
	if e.Thread, f = identifier(call.ConversationID, "conversation_id"); f != nil {
		return nil, f
	}
	if e.SentAt, f = createTime(call.CreateTime); f != nil {
		return nil, f
	}
	kind, f := webhook.TextJSON(call.MessageType, "message_type")
	if f != nil {
		return nil, f
	}
	v2 := len(call.Output) > 0 && call.Output.Kind() != 'n'
	switch {
	case kind == typeAnswer || (kind == "" && v2):
	case kind == typeQuestion:
		e.Kind, e.Sender.Role = envelope.KindEcho, envelope.RoleCustomer
	case kind == "":
		return nil, webhook.NewFault("message_type", "missing")
	default:
		unparsed(e, "unknown message_type", body)
		return e, nil
	}
	var skipped bool
	if v2 {
		e.Parts, skipped, f = outputParts(call.Output)
	} else {
		e.Parts, f = flowParts(call.Text, call.FlowOutput)
	}
	if f != nil {
		return nil, f
	}
	if len(e.Parts) == 0 {
		unparsed(e, "no text", body)
		return e, nil
	}
	if skipped {
		e.Attributes = map[string]string{attrSkipped: "audio without a link"}
	}
	return e, nil
}

// unparsed keeps what was not understood for people to look at.
func unparsed(e *envelope.Envelope, problem string, body []byte) {
	e.Kind = envelope.KindUnparsed
	e.Attributes = map[string]string{attrProblem: problem}
	e.Raw = body
	if len(body) > envelope.MaxRawBytes {
		e.Raw = body[:envelope.MaxRawBytes]
		e.Attributes[attrRawBytes] = strconv.Itoa(len(body))
	}
}

// identifier reads a required id.
func identifier(v jsontext.Value, field string) (string, *webhook.Fault) {
	id, f := webhook.TextJSON(v, field)
	switch {
	case f != nil:
		return "", f
	case id == "":
		return "", webhook.NewFault(field, "missing")
	case strings.ContainsFunc(id, unicode.IsControl):
		return "", webhook.NewFault(field, "has control characters")
	}
	return id, short(field, id, envelope.MaxIDBytes)
}

// createTime reads create_time, whose unit differs between the vendor's pages.
func createTime(v jsontext.Value) (time.Time, *webhook.Fault) {
	const field = "create_time"
	if len(v) == 0 || v.Kind() == 'n' {
		return time.Time{}, webhook.NewFault(field, "missing")
	}
	var n int64
	if f := webhook.DecodeJSON(v, &n, field); f != nil {
		return time.Time{}, f
	}
	switch {
	case n <= 0 || n > maxMilliseconds:
		return time.Time{}, webhook.NewFault(field, "not a time in seconds or milliseconds since 1970")
	case n <= maxSeconds:
		return time.Unix(n, 0).UTC(), nil
	}
	return time.UnixMilli(n).UTC(), nil
}

func short(field, s string, most int) *webhook.Fault {
	if len(s) > most {
		return webhook.NewFault(field, fmt.Sprintf("%d bytes, at most %d", len(s), most))
	}
	return nil
}
