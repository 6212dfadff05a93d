package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
	"patchbay/sdk/webhook"
)

// Attributes of envelopes.
const (
	attrProblem  = "botwebhook.problem"       // why the call is unparsed
	attrSkipped  = "botwebhook.skipped"       // content that could not be translated
	attrRawBytes = "botwebhook.raw_size"      // length of a body that exceeds the limit of Raw
	attrTokens   = "botwebhook.total_tokens"  // tokens that GPTBots reports for the answer
	attrCredits  = "botwebhook.total_credits" // credits that GPTBots reports for the answer
)

// Numbers up to maxSeconds are times in seconds, larger numbers are times in milliseconds. maxSeconds is the year 5138
// in seconds and 1973 in milliseconds. maxMilliseconds is the end of the year 9999.
const (
	maxSeconds      = 100_000_000_000
	maxMilliseconds = 253_402_300_799_999
)

// receiveMessage translates a call of the message webhook. A well-formed call without content that can be delivered
// becomes an unparsed envelope.
func (ch *channel) receiveMessage(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var m messageBody
	if f := webhook.DecodeJSON(body, &m, ""); f != nil {
		return nil, f
	}
	if isTest(m.IsTest) {
		return nil, nil
	}
	e := &envelope.Envelope{Channel: ch.name}
	var f *webhook.Fault
	if e.VendorID, f = decodeID(m.MessageID, "message_id"); f != nil {
		return nil, f
	}
	if e.Thread, f = decodeID(m.ConversationID, "conversation_id"); f != nil {
		return nil, f
	}
	if e.SentAt, f = decodeTime(m.CreateTime, "create_time"); f != nil {
		return nil, f
	}
	messageType, f := webhook.TextJSON(m.MessageType, "message_type")
	if f != nil {
		return nil, f
	}
	if messageType == "" && !m.v2() {
		return nil, webhook.NewFault("message_type", "missing")
	}
	u := decodeUsage(m.Usage)
	if f := setContent(e, &m, messageType, u, body); f != nil {
		return nil, f
	}
	ch.metrics.count(e, u)
	return e, nil
}

// setContent sets kind, sender, parts and attributes from an agent's message in a webhook call or in a response.
func setContent(
	e *envelope.Envelope, m *messageBody, messageType string, u usage, body []byte,
) (f *webhook.Fault) {
	e.Kind, e.Sender = envelope.KindMessage, envelope.Sender{Role: envelope.RoleBot}
	switch messageType {
	case "", typeAnswer:
	case typeQuestion:
		e.Kind, e.Sender.Role = envelope.KindEcho, envelope.RoleCustomer
	default:
		setUnparsed(e, "unknown message_type", body)
		return nil
	}
	var skipped []string
	if m.v2() {
		e.Parts, skipped, f = outputParts(m.Output)
	} else {
		e.Parts, f = flowParts(m.Text, m.FlowOutput)
	}
	if f != nil {
		return f
	}
	e.Attributes = u.attributes()
	if len(e.Parts) == 0 {
		setUnparsed(e, "no text", body)
		return nil
	}
	if len(skipped) > 0 {
		e.SetAttribute(attrSkipped, text.Clip(strings.Join(slices.Compact(skipped), ", "), maxLabelBytes))
	}
	return nil
}

// setUnparsed makes e an envelope of kind unparsed with the body.
func setUnparsed(e *envelope.Envelope, problem string, body []byte) {
	e.Kind, e.Parts = envelope.KindUnparsed, nil
	e.SetAttribute(attrProblem, problem)
	e.Raw = body
	if len(body) > envelope.MaxRawBytes {
		e.Raw = body[:envelope.MaxRawBytes]
		e.SetAttribute(attrRawBytes, strconv.Itoa(len(body)))
	}
}

// decodeID decodes a required id, which may be a number.
func decodeID(v jsontext.Value, field string) (string, *webhook.Fault) {
	id, f := webhook.ScalarJSON(v, field)
	if f == nil {
		f = webhook.CheckID(field, id, envelope.MaxIDBytes)
	}
	return id, f
}

// decodeTime decodes a required time: a number or a string, with a fraction or without. GPTBots's pages differ about
// its unit.
func decodeTime(v jsontext.Value, field string) (time.Time, *webhook.Fault) {
	s, f := webhook.ScalarJSON(v, field)
	if f != nil {
		return time.Time{}, f
	}
	if s = strings.TrimSpace(s); s == "" {
		return time.Time{}, webhook.NewFault(field, "missing")
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0 && n <= maxMilliseconds) {
		return time.Time{}, webhook.NewFault(field, "is not a time in seconds or milliseconds since 1970")
	}
	if n <= maxSeconds {
		n *= 1000
	}
	return time.UnixMilli(int64(math.Round(n))).UTC(), nil
}
