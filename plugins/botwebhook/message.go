package main

import (
	"fmt"
	"slices"
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
	attrProblem  = "botwebhook.problem"       // why a call was not understood
	attrSkipped  = "botwebhook.skipped"       // what of a message could not be taken over
	attrRawBytes = "botwebhook.raw_size"      // length of a body that was too long to be kept whole
	attrTokens   = "botwebhook.total_tokens"  // what the answer used, as the vendor reports it
	attrCredits  = "botwebhook.total_credits" // the same in credits
)

// Times up to maxSeconds are seconds, later ones milliseconds: it is the year 5138 in seconds and 1973 in
// milliseconds. maxMilliseconds is the end of the year 9999.
const (
	maxSeconds      = 100_000_000_000
	maxMilliseconds = 253_402_300_799_999
)

// message translates a call of the message webhook. What is well-formed but says nothing that can be passed on becomes an
// unparsed envelope, with the body.
func (ch *channel) message(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call callBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e := &envelope.Envelope{Channel: ch.name}
	var f *webhook.Fault
	if e.VendorID, f = identifier(call.MessageID, "message_id"); f != nil {
		return nil, f
	}
	if e.Thread, f = identifier(call.ConversationID, "conversation_id"); f != nil {
		return nil, f
	}
	if e.SentAt, f = createTime(call.CreateTime, "create_time"); f != nil {
		return nil, f
	}
	kind, f := webhook.TextJSON(call.MessageType, "message_type")
	if f != nil {
		return nil, f
	}
	if kind == "" && !call.v2() {
		return nil, webhook.NewFault("message_type", "missing")
	}
	used := readUsage(call.Usage)
	if f := fill(e, &call, kind, used, body); f != nil {
		return nil, f
	}
	ch.metrics.count(e, used)
	return e, nil
}

// fill writes kind, sender, parts and attributes of what an agent says, in a webhook call or in an answer.
func fill(e *envelope.Envelope, call *callBody, kind string, used usage, body []byte) (f *webhook.Fault) {
	e.Kind, e.Sender = envelope.KindMessage, envelope.Sender{Role: envelope.RoleBot}
	switch kind {
	case "", typeAnswer:
	case typeQuestion:
		e.Kind, e.Sender.Role = envelope.KindEcho, envelope.RoleCustomer
	default:
		unparsed(e, "unknown message_type", body)
		return nil
	}
	var skipped []string
	if call.v2() {
		e.Parts, skipped, f = outputParts(call.Output)
	} else {
		e.Parts, f = flowParts(call.Text, call.FlowOutput)
	}
	if f != nil {
		return f
	}
	e.Attributes = used.attributes()
	if len(e.Parts) == 0 {
		unparsed(e, "no text", body)
		return nil
	}
	if len(skipped) > 0 {
		attribute(e, attrSkipped, clip(strings.Join(slices.Compact(skipped), ", "), maxLabelBytes))
	}
	return nil
}

// attribute sets an attribute of an envelope that may have none.
func attribute(e *envelope.Envelope, name, value string) {
	if e.Attributes == nil {
		e.Attributes = make(map[string]string, 4)
	}
	e.Attributes[name] = value
}

// unparsed keeps what was not understood for people to look at.
func unparsed(e *envelope.Envelope, problem string, body []byte) {
	e.Kind, e.Parts = envelope.KindUnparsed, nil
	attribute(e, attrProblem, problem)
	e.Raw = body
	if len(body) > envelope.MaxRawBytes {
		e.Raw = body[:envelope.MaxRawBytes]
		attribute(e, attrRawBytes, strconv.Itoa(len(body)))
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

// createTime reads a required time, whose unit differs between the vendor's pages.
func createTime(v jsontext.Value, field string) (time.Time, *webhook.Fault) {
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
