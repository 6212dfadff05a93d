package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
	"patchbay/sdk/webhook"
)

// Attributes of a hand-off.
const (
	attrReason       = "reason"
	attrUserID       = "botwebhook.user_id"
	attrAnonymousID  = "botwebhook.anonymous_id"
	attrEmail        = "botwebhook.email"
	attrPhone        = "botwebhook.phone"
	attrBotID        = "botwebhook.bot_id"
	attrWaitingLimit = "botwebhook.waiting_limit" // waiting time for the first reply
	attrEarlier      = "botwebhook.earlier"       // number of older messages omitted from the transcript
	attrShortened    = "botwebhook.shortened"     // number of cut texts in the transcript
	attrCloseType    = "botwebhook.close_type"    // type of a close call, if it is unknown

	// Attributes of the transcript's parts.
	attrRole        = "role"         // customer or bot
	attrMessageType = "message_type" // the unknown message_type of a part
)

// Reasons of handover_requested and disconnected.
const (
	reasonHandoff    = "handoff"
	reasonTimeout    = "timeout"
	reasonUserClosed = "user_closed"
	reasonClosed     = "closed" // unknown type
)

var eventReasons = map[string]string{
	reasonHandoff:    "The bot hands the customer over to an agent.",
	reasonTimeout:    "GPTBots closed the hand-off because no message was sent in time.",
	reasonUserClosed: "The customer closed the hand-off.",
	reasonClosed:     "GPTBots closed the hand-off for another cause, see botwebhook.close_type.",
}

// attributes are those that rules can read.
var attributes = map[string]string{
	attrUserID:       "The customer's id at GPTBots.",
	attrAnonymousID:  "The id of a customer who is not logged in.",
	attrEmail:        "The customer's email address.",
	attrPhone:        "The customer's telephone number.",
	attrBotID:        "The id of the GPTBots agent that handed over.",
	attrWaitingLimit: "GPTBots's waiting time for the first reply.",
	attrEarlier:      "The number of older messages that the transcript omits.",
	attrShortened:    "The number of texts that the transcript shortens.",
	attrCloseType:    "The type of a close call, if it is unknown.",
	attrProblem:      "Why a call is unparsed.",
	attrSkipped:      "Content that could not be translated.",
	attrRawBytes:     "The length of a body that exceeds the limit.",
	attrTokens:       "The tokens that GPTBots reports for an answer.",
	attrCredits:      "The credits that GPTBots reports for an answer.",
}

// vendorEmail is GPTBots's placeholder for an unknown address ("Human handoff service").
const vendorEmail = "support@gptbots.ai"

// newHandoffEnvelope returns an envelope with the common fields of the three calls. The calls have no id, so VendorID
// is derived from the path and the body, which contains the hand-off's id and the time. An invalid time is ignored, so
// that a waiting customer is not refused.
func (ch *channel) newHandoffEnvelope(call string, h *handoffHead, body []byte) (*envelope.Envelope, *webhook.Fault) {
	e := &envelope.Envelope{Channel: ch.name, Sender: envelope.Sender{Role: envelope.RoleCustomer}}
	var f *webhook.Fault
	if e.Thread, f = decodeID(h.ConversationID, "conversation_id"); f != nil {
		return nil, f
	}
	if sent, f := decodeTime(h.Timestamp, "timestamp"); f == nil {
		e.SentAt = sent
	}
	sum := sha256.Sum256(body)
	e.VendorID = envelope.ShortID(call, e.Thread, h.Timestamp.String(), hex.EncodeToString(sum[:]))
	return e, nil
}

// receiveEstablish translates the start of a hand-off: the customer of a bot asks for a human agent.
func (ch *channel) receiveEstablish(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call establishBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e, f := ch.newHandoffEnvelope(establishPath, &call.handoffHead, body)
	if f != nil {
		return nil, f
	}
	e.Kind = envelope.KindHandoverRequested
	e.Attributes = map[string]string{attrReason: reasonHandoff, attrWaitingLimit: seconds(ch.WaitingLimit)}
	e.Parts = transcriptParts(call.Body, e.Attributes)
	return e, call.setCustomer(e)
}

// seconds formats a duration like 60s, which rules can compare.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + "s" }

// setCustomer sets the customer's id and attributes.
func (call *establishBody) setCustomer(e *envelope.Envelope) *webhook.Fault {
	var user userInfo
	if call.User.Kind() == '{' {
		if f := webhook.DecodeJSON(call.User, &user, "user_info"); f != nil {
			return f
		}
	}
	email := knownEmail(user.Email)
	if email == "" {
		email = knownEmail(call.Email)
	}
	fields := []struct{ name, value string }{
		{attrUserID, idOf(user.UserID)}, {attrAnonymousID, idOf(user.AnonymousID)}, {attrEmail, email},
		{attrPhone, idOf(user.Phone)}, {attrBotID, idOf(call.BotID)},
	}
	for i, field := range fields {
		value := text.Clip(field.value, maxCustomerBytes)
		if value != "" {
			e.Attributes[field.name] = value
		}
		if i < 3 && e.Sender.ID == "" { // user_id has priority over anonymous_id at GPTBots
			e.Sender.ID = senderID(field.value)
		}
	}
	return nil
}

// knownEmail returns the customer's address, or "" if it is missing or GPTBots's placeholder.
func knownEmail(v jsontext.Value) string {
	if s := stringOf(v); !strings.EqualFold(s, vendorEmail) {
		return s
	}
	return ""
}

// maxCustomerBytes limits each attribute of the customer.
const maxCustomerBytes = 1 << 10

// senderID returns an id that fits into an envelope and is the same for the same customer.
func senderID(id string) string {
	if len(id) > envelope.MaxIDBytes {
		return envelope.ShortID(id)
	}
	return id
}

// receiveChat translates a message of the customer during a hand-off.
func (ch *channel) receiveChat(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call chatBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e, f := ch.newHandoffEnvelope(chatPath, &call.handoffHead, body)
	if f != nil {
		return nil, f
	}
	e.Kind = envelope.KindMessage
	if e.Parts = textParts(stringOf(call.Body)); len(e.Parts) == 0 {
		setUnparsed(e, "no text", body)
	}
	ch.metrics.count(e, usage{})
	return e, nil
}

// receiveClose translates the end of a hand-off, by the customer or by a time-out.
func (ch *channel) receiveClose(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call closeBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e, f := ch.newHandoffEnvelope(closePath, &call.handoffHead, body)
	if f != nil {
		return nil, f
	}
	e.Kind = envelope.KindDisconnected
	switch closeType := stringOf(call.Type); closeType {
	case closeTimeout:
		e.Attributes = map[string]string{attrReason: reasonTimeout}
		e.Sender.Role = envelope.RoleSystem
	case closeUser:
		e.Attributes = map[string]string{attrReason: reasonUserClosed}
	default:
		e.Attributes = map[string]string{attrReason: reasonClosed}
		if closeType != "" {
			e.Attributes[attrCloseType] = text.Clip(closeType, maxLabelBytes)
		}
	}
	return e, nil
}
