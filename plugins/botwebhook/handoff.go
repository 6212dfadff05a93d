package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Attributes of a hand-off.
const (
	attrReason       = "reason" // rules see it as reason
	attrUserID       = "botwebhook.user_id"
	attrAnonymousID  = "botwebhook.anonymous_id"
	attrEmail        = "botwebhook.email"
	attrPhone        = "botwebhook.phone"
	attrBotID        = "botwebhook.bot_id"
	attrWaitingLimit = "botwebhook.waiting_limit" // how long the vendor waits for the first reply
	attrEarlier      = "botwebhook.earlier"       // number of older messages that are not in the transcript
	attrShortened    = "botwebhook.shortened"     // number of texts in it that were cut
	attrCloseType    = "botwebhook.close_type"    // as the vendor names it

	// Attributes of the transcript's parts.
	attrRole        = "role"         // customer or bot
	attrMessageType = "message_type" // as the vendor names it, where it is neither
)

// Reasons of handover_requested and disconnected.
const (
	reasonHandoff    = "handoff"
	reasonTimeout    = "timeout"
	reasonUserClosed = "user_closed"
	reasonClosed     = "closed" // of a type that the page does not have
)

// vendorEmail is what the vendor puts where no address is known ("Human handoff service").
const vendorEmail = "support@gptbots.ai"

// begin reads what the three calls have in common. There is no id of a call: what tells one from another is derived from
// the call's name and its whole body, in which are the hand-off's id and the time.
func (ch *channel) begin(call string, h *handoffHead, body []byte) (*envelope.Envelope, *webhook.Fault) {
	e := &envelope.Envelope{Channel: ch.name, Sender: envelope.Sender{Role: envelope.RoleCustomer}}
	var f *webhook.Fault
	if e.Thread, f = identifier(h.ConversationID, "conversation_id"); f != nil {
		return nil, f
	}
	at := h.Timestamp
	if at.Kind() == '"' {
		at = jsontext.Value(plain(at))
	}
	if sent, f := createTime(at, "timestamp"); f == nil { // whoever waits for a person is not sent away for a clock
		e.SentAt = sent
	}
	sum := sha256.Sum256(body)
	e.VendorID = envelope.ShortID(call, e.Thread, h.Timestamp.String(), hex.EncodeToString(sum[:]))
	return e, nil
}

// establish translates the beginning of a hand-off: the agent's customer asks for a person.
func (ch *channel) establish(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call establishBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e, f := ch.begin(establishCall, &call.handoffHead, body)
	if f != nil {
		return nil, f
	}
	e.Kind = envelope.KindHandoverRequested
	e.Attributes = map[string]string{attrReason: reasonHandoff, attrWaitingLimit: seconds(ch.WaitingLimit)}
	e.Parts = transcriptParts(call.Body, e.Attributes)
	return e, call.introduce(e)
}

// seconds is a duration as 60s, in which rules can compare it.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + "s" }

// introduce writes who the customer is.
func (call *establishBody) introduce(e *envelope.Envelope) *webhook.Fault {
	var user userInfo
	if call.User.Kind() == '{' {
		if f := webhook.DecodeJSON(call.User, &user, "user_info"); f != nil {
			return f
		}
	}
	email := address(user.Email)
	if email == "" {
		email = address(call.Email)
	}
	facts := []struct{ name, value string }{
		{attrUserID, plain(user.UserID)}, {attrAnonymousID, plain(user.AnonymousID)}, {attrEmail, email},
		{attrPhone, plain(user.Phone)}, {attrBotID, plain(call.BotID)},
	}
	for i, fact := range facts {
		value := clip(fact.value, maxFactBytes)
		if value != "" {
			e.Attributes[fact.name] = value
		}
		if i < 3 && e.Sender.ID == "" { // user_id outranks anonymous_id at the vendor
			e.Sender.ID = senderID(fact.value)
		}
	}
	return nil
}

// address returns a customer's address, "" if there is none or the vendor's own stands in its place.
func address(v jsontext.Value) string {
	if s := plain(v); !strings.EqualFold(s, vendorEmail) {
		return s
	}
	return ""
}

// maxFactBytes bounds what is kept of a fact about the customer.
const maxFactBytes = 1 << 10

// senderID returns an id that fits an envelope, and stays the same for the same customer.
func senderID(id string) string {
	if len(id) > envelope.MaxIDBytes {
		return envelope.ShortID(id)
	}
	return id
}

// chat translates what the customer says during a hand-off.
func (ch *channel) chat(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call chatBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e, f := ch.begin(chatCall, &call.handoffHead, body)
	if f != nil {
		return nil, f
	}
	e.Kind = envelope.KindMessage
	if e.Parts = texts(plain(call.Body)); len(e.Parts) == 0 {
		unparsed(e, "no text", body)
	}
	ch.metrics.count(e, usage{})
	return e, nil
}

// close translates the end of a hand-off, by the customer or since nobody answered in time.
func (ch *channel) close(body []byte) (*envelope.Envelope, *webhook.Fault) {
	var call closeBody
	if f := webhook.DecodeJSON(body, &call, ""); f != nil {
		return nil, f
	}
	if isTest(call.IsTest) {
		return nil, nil
	}
	e, f := ch.begin(closeCall, &call.handoffHead, body)
	if f != nil {
		return nil, f
	}
	e.Kind = envelope.KindDisconnected
	switch kind := plain(call.Type); kind {
	case closeTimeout:
		e.Attributes = map[string]string{attrReason: reasonTimeout}
		e.Sender.Role = envelope.RoleSystem
	case closeUser:
		e.Attributes = map[string]string{attrReason: reasonUserClosed}
	default:
		e.Attributes = map[string]string{attrReason: reasonClosed}
		if kind != "" {
			e.Attributes[attrCloseType] = clip(kind, maxLabelBytes)
		}
	}
	return e, nil
}
