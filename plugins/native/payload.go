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
