package main

import (
	"slices"

	"github.com/go-json-experiment/json"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
	"patchbay/sdk/webhook"
)

// parts returns the text, media and suggestions of a reply. A long text becomes several parts.
func (p *answerPayload) parts() ([]envelope.Part, *webhook.Fault) {
	var parts []envelope.Part
	for _, piece := range text.Split(p.BotSay, envelope.MaxTextBytes) {
		parts = append(parts, envelope.TextPart(piece))
	}
	media, f := mediaPartsOf(p.Media, "payload.media", true)
	if f != nil {
		return nil, f
	}
	parts = append(parts, media...)
	suggestions := slices.DeleteFunc(slices.Clone(p.Suggestions), func(s string) bool { return s == "" })
	if len(suggestions) > 0 {
		parts = append(parts, envelope.Part{Type: envelope.PartSuggestions, Items: suggestions})
	}
	if len(parts) > envelope.MaxParts {
		return nil, webhook.NewFault("payload", "has more parts than an envelope can hold")
	}
	return parts, nil
}

// setSender sets the sender's role and name. The role stays bot if the reply has none or an unknown one. With the role
// customer, the reply repeats the customer's own message.
func (p *answerPayload) setSender(e *envelope.Envelope) {
	switch role := envelope.Role(p.Sender.Role); role {
	case envelope.RoleBot, envelope.RoleAgent, envelope.RoleSystem, envelope.RoleCustomer:
		e.Sender.Role = role
	}
	if len(p.Sender.Name) > envelope.MaxIDBytes {
		noteOmitted(e, "payload.sender.name")
		return
	}
	e.Sender.Name = p.Sender.Name
}

// setUserData sets the attributes for the userData that the far end returns.
func (p *answerPayload) setUserData(e *envelope.Envelope) {
	if v := p.UserData.TargetAgents; len(v) > 0 && v.Kind() != 'n' {
		var agents []string
		if f := webhook.DecodeJSON(v, &agents, ""); f != nil {
			noteOmitted(e, "payload.userData.targetAgents")
		} else if b, err := json.Marshal(agents); err != nil || len(agents) > 0 && !fits(attrTargetAgents, b) {
			noteOmitted(e, "payload.userData.targetAgents")
		} else if len(agents) > 0 {
			e.SetAttribute(attrTargetAgents, string(b))
		}
	}
	if v := p.UserData.CustomPayload; len(v) > 0 && v.Kind() != 'n' {
		if v.Kind() != '{' || !fits(attrCustomPayload, v) {
			noteOmitted(e, "payload.userData.customPayload")
			return
		}
		e.SetAttribute(attrCustomPayload, string(v))
	}
}
