package main

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// decodePayload decodes the payload of a user's message and checks the members that the document requires.
func decodePayload(v jsontext.Value, user string) (*inboundPayload, *webhook.Fault) {
	if len(v) == 0 {
		return nil, webhook.NewFault("payload", "missing")
	}
	var p inboundPayload
	if f := webhook.DecodeJSON(v, &p, "payload"); f != nil {
		return nil, f
	}
	switch {
	case p.UserSay == "" && len(p.Media) == 0 && p.Event == nil:
		return nil, webhook.NewFault("payload.userSay", "missing or empty")
	case p.UserInfo.ID == "":
		return nil, webhook.NewFault("payload.userInfo.id", "missing")
	case p.UserInfo.ID != user:
		return nil, webhook.NewFault("payload.userInfo.id", "must be the same as userId")
	}
	return &p, webhook.CheckLength("payload.userSay", p.UserSay, envelope.MaxTextBytes)
}

// parts returns the customer's text, followed by the media.
func (p *inboundPayload) parts() ([]envelope.Part, *webhook.Fault) {
	media, f := mediaPartsOf(p.Media, "payload.media", false)
	if f != nil || p.UserSay == "" {
		return media, f
	}
	return append([]envelope.Part{envelope.TextPart(p.UserSay)}, media...), nil
}

// attributes returns the userData that replies return, or nil.
func (p *inboundPayload) attributes() (map[string]string, *webhook.Fault) {
	var attributes map[string]string
	set := func(name string, value []byte, field string) *webhook.Fault {
		if f := webhook.CheckLength(field, string(value), envelope.MaxAttributeBytes-len(name)); f != nil {
			return f
		}
		if attributes == nil {
			attributes = make(map[string]string)
		}
		attributes[name] = string(value)
		return nil
	}
	if len(p.UserData.TargetAgents) > 0 {
		const field = "payload.userData.targetAgents"
		if f := checkNulls(p.UserData.TargetAgents, field); f != nil {
			return nil, f
		}
		agents, err := json.Marshal(p.UserData.TargetAgents)
		if err != nil {
			return nil, webhook.NewFault(field, "cannot be encoded as JSON")
		}
		if f := set(attrTargetAgents, agents, field); f != nil {
			return nil, f
		}
	}
	if v := p.UserData.CustomPayload; len(v) > 0 && v.Kind() != 'n' {
		const field = "payload.userData.customPayload"
		if f := checkCustomPayload(v, field); f != nil {
			return nil, f
		}
		if f := set(attrCustomPayload, v, field); f != nil {
			return nil, f
		}
	}
	return attributes, nil
}

// checkNulls refuses nulls in an array of strings.
func checkNulls(list []*string, field string) *webhook.Fault {
	for i, s := range list {
		if s == nil {
			return webhook.NewFault(field+"."+strconv.Itoa(i), "must be a string")
		}
	}
	return nil
}

// checkCustomPayload accepts any object (04/10). Its member data, if present, must be a short string (04/17).
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
