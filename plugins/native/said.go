package main

import (
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// parts returns what an answer says: words, media, suggestions. Words that are too long for one part become several.
func (p *answerPayload) parts() ([]envelope.Part, *webhook.Fault) {
	var parts []envelope.Part
	for words := p.BotSay; words != ""; {
		n := len(words)
		if n > envelope.MaxTextBytes {
			for n = envelope.MaxTextBytes; !utf8.RuneStart(words[n]); n-- {
			}
		}
		parts, words = append(parts, envelope.TextPart(words[:n])), words[n:]
	}
	media, f := readMedia(p.Media, "payload.media", true)
	if f != nil {
		return nil, f
	}
	parts = append(parts, media...)
	suggestions := slices.DeleteFunc(slices.Clone(p.Suggestions), func(s string) bool { return s == "" })
	if len(suggestions) > 0 {
		parts = append(parts, envelope.Part{Type: envelope.PartSuggestions, Items: suggestions})
	}
	if len(parts) > envelope.MaxParts {
		return nil, webhook.NewFault("payload", "has more in it than an envelope can hold")
	}
	return parts, nil
}

// speaker sets who speaks: bot, agent or system as the answer says, and bot if it says something else. A customer's own
// words that come back are the customer's.
func (p *answerPayload) speaker(e *envelope.Envelope) {
	switch role := envelope.Role(p.Sender.Role); role {
	case envelope.RoleBot, envelope.RoleAgent, envelope.RoleSystem, envelope.RoleCustomer:
		e.Sender.Role = role
	}
	if len(p.Sender.Name) > envelope.MaxIDBytes {
		leaveOut(e, "payload.sender.name")
		return
	}
	e.Sender.Name = p.Sender.Name
}

// returned sets the attributes of what the far end gives back of the customer's last call.
func (p *answerPayload) returned(e *envelope.Envelope) {
	if v := p.UserData.TargetAgents; len(v) > 0 && v.Kind() != 'n' {
		var agents []string
		if f := webhook.DecodeJSON(v, &agents, ""); f != nil {
			leaveOut(e, "payload.userData.targetAgents")
		} else if b, err := json.Marshal(agents); err != nil || len(agents) > 0 && !fits(attrTargetAgents, b) {
			leaveOut(e, "payload.userData.targetAgents")
		} else if len(agents) > 0 {
			note(e, attrTargetAgents, string(b))
		}
	}
	if v := p.UserData.CustomPayload; len(v) > 0 && v.Kind() != 'n' {
		if v.Kind() != '{' || !fits(attrCustomPayload, v) {
			leaveOut(e, "payload.userData.customPayload")
			return
		}
		note(e, attrCustomPayload, string(v))
	}
}

func fits(name string, value []byte) bool { return len(name)+len(value) <= envelope.MaxAttributeBytes }
