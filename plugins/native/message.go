package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// maxHops is the highest believable number in the hops header; gateways give up long before.
const maxHops = 9999

// translate makes the envelopes of an authenticated call: one for what is said, and one for an event.
func translate(ch *channel, call *callBody, header http.Header) ([]*envelope.Envelope, *webhook.Fault) {
	user, f := webhook.TextJSON(call.UserID, "userId")
	if f == nil {
		f = identifier("userId", user)
	}
	if f != nil {
		return nil, f
	}
	t := thread{organization: ch.Organization, chatbot: ch.Chatbot, user: user}.String()
	if len(t) > envelope.MaxThreadBytes {
		return nil, webhook.NewFault("userId", "too long when its slashes and percent signs are escaped")
	}
	id, f := messageID(call, header)
	if f != nil {
		return nil, f
	}
	hops, f := hops(header)
	if f != nil {
		return nil, f
	}
	p, f := readPayload(call.Payload, user)
	if f != nil {
		return nil, f
	}
	attributes, f := p.attributes()
	if f != nil {
		return nil, f
	}
	parts, f := p.parts()
	if f != nil {
		return nil, f
	}
	e := envelope.Envelope{
		Channel: ch.name, VendorID: id, Thread: t, Hops: hops, Attributes: attributes,
		Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: user},
	}
	var out []*envelope.Envelope
	if len(parts) > 0 {
		said := e
		said.Kind, said.Parts = envelope.KindMessage, parts
		out = append(out, &said)
	}
	if p.Event != nil {
		happened := beside(e, len(out) > 0)
		if f := p.Event.apply(happened); f != nil {
			return nil, f
		}
		if happened.Kind == envelope.KindUnparsed {
			happened.Raw = redacted(call.Payload)
		}
		out = append(out, happened)
	}
	return out, nil
}

// identifier checks a required id.
func identifier(field, id string) *webhook.Fault {
	switch {
	case id == "":
		return webhook.NewFault(field, "missing")
	case len(id) > envelope.MaxIDBytes:
		return webhook.NewFault(field, fmt.Sprintf("%d bytes, at most %d", len(id), envelope.MaxIDBytes))
	case strings.ContainsFunc(id, unicode.IsControl):
		return webhook.NewFault(field, "has control characters")
	}
	return nil
}

// messageID returns the caller's id of the message, "" if it gave none. The body's messageId wins over
// the header, because it is part of the message and survives proxies.
func messageID(call *callBody, header http.Header) (string, *webhook.Fault) {
	id, f := webhook.TextJSON(call.MessageID, "messageId")
	if f != nil {
		return "", f
	}
	if id != "" {
		return id, identifier("messageId", id)
	}
	return idempotencyKey(header)
}

// idempotencyKey returns the header's value, "" if there is none.
func idempotencyKey(header http.Header) (string, *webhook.Fault) {
	keys := header.Values(idempotencyHeader)
	if len(keys) == 0 || (len(keys) == 1 && keys[0] == "") {
		return "", nil
	}
	if len(keys) > 1 {
		return "", webhook.NewFault(idempotencyHeader, "given more than once")
	}
	if !utf8.ValidString(keys[0]) {
		return "", webhook.NewFault(idempotencyHeader, "not valid UTF-8")
	}
	return keys[0], identifier(idempotencyHeader, keys[0])
}

// hops returns how many gateways the message has passed, 0 if the header is absent.
func hops(header http.Header) (int, *webhook.Fault) {
	values := header.Values(hopsHeader)
	if len(values) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(values[0], 10, 16)
	if len(values) > 1 || err != nil || n > maxHops {
		return 0, webhook.NewFault(hopsHeader, fmt.Sprintf("must be one whole number from 0 to %d", maxHops))
	}
	return int(n), nil
}

// readPayload reads the member payload of user's call, and checks what the document requires.
func readPayload(v jsontext.Value, user string) (*callPayload, *webhook.Fault) {
	if len(v) == 0 {
		return nil, webhook.NewFault("payload", "missing")
	}
	var p callPayload
	if f := webhook.DecodeJSON(v, &p, "payload"); f != nil {
		return nil, f
	}
	switch {
	case p.UserSay == "" && len(p.Media) == 0 && p.Event == nil:
		return nil, webhook.NewFault("payload.userSay", "missing or empty")
	case len(p.UserSay) > envelope.MaxTextBytes:
		return nil, webhook.NewFault("payload.userSay",
			fmt.Sprintf("%d bytes, at most %d", len(p.UserSay), envelope.MaxTextBytes))
	case p.UserInfo.ID == "":
		return nil, webhook.NewFault("payload.userInfo.id", "missing")
	case p.UserInfo.ID != user:
		return nil, webhook.NewFault("payload.userInfo.id", "must be the same as userId")
	}
	return &p, nil
}

// parts returns what the visitor says: the words first, then the media.
func (p *callPayload) parts() ([]envelope.Part, *webhook.Fault) {
	media, f := readMedia(p.Media, "payload.media", false)
	if f != nil || p.UserSay == "" {
		return media, f
	}
	return append([]envelope.Part{envelope.TextPart(p.UserSay)}, media...), nil
}

// attributes returns what the gateway carries for the caller: nil if there is nothing.
func (p *callPayload) attributes() (map[string]string, *webhook.Fault) {
	attributes := make(map[string]string)
	if len(p.UserData.TargetAgents) > 0 {
		const field = "payload.userData.targetAgents"
		if f := noNulls(p.UserData.TargetAgents, field); f != nil {
			return nil, f
		}
		agents, err := json.Marshal(p.UserData.TargetAgents)
		if err != nil {
			return nil, webhook.NewFault(field, "can't be carried")
		}
		if f := carry(attributes, attrTargetAgents, string(agents), field); f != nil {
			return nil, f
		}
	}
	if v := p.UserData.CustomPayload; len(v) > 0 && v.Kind() != 'n' {
		const field = "payload.userData.customPayload"
		if f := checkCustomPayload(v, field); f != nil {
			return nil, f
		}
		if f := carry(attributes, attrCustomPayload, string(v), field); f != nil {
			return nil, f
		}
	}
	if len(attributes) == 0 {
		return nil, nil
	}
	return attributes, nil
}

// noNulls checks an array of strings.
func noNulls(list []*string, field string) *webhook.Fault {
	for i, s := range list {
		if s == nil {
			return webhook.NewFault(field+"."+strconv.Itoa(i), "must be a string")
		}
	}
	return nil
}

// checkCustomPayload accepts any object (04/10) whose data, if it has one, is a short string (04/17).
func checkCustomPayload(v jsontext.Value, field string) *webhook.Fault {
	var custom struct {
		Data *string `json:"data"`
	}
	if f := webhook.DecodeJSON(v, &custom, field); f != nil {
		return f
	}
	if custom.Data != nil && utf8.RuneCountInString(*custom.Data) >= maxDataCharacters {
		return webhook.NewFault(field+".data", fmt.Sprintf("must have less than %d characters", maxDataCharacters))
	}
	return nil
}

// carry stores an attribute, or says that field is too long for one.
func carry(attributes map[string]string, name, value, field string) *webhook.Fault {
	if most := envelope.MaxAttributeBytes - len(name); len(value) > most {
		return webhook.NewFault(field, fmt.Sprintf("%d bytes of JSON, at most %d", len(value), most))
	}
	attributes[name] = value
	return nil
}
