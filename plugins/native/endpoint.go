package main

import (
	"net/http"
	"net/url"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// endpoint is what the channel offers and needs.
func (ch *channel) endpoint() sdk.Endpoint {
	path := sdk.Path{Pattern: messagesPath + "{organization}/{chatbotName}", Methods: []string{http.MethodPost},
		ContentTypes: []string{jsonType}}
	capabilities := customerCapabilities()
	if ch.role == envelope.RoleBot {
		path.Pattern = answersPath + url.PathEscape(ch.name)
		capabilities = ch.botCapabilities()
	}
	return sdk.Endpoint{
		Paths:        []sdk.Path{path},
		Refusal:      sdk.Refusal{ContentType: jsonType, Body: refusalTemplate},
		Threads:      sdk.ThreadsPerConversation,
		Capabilities: &capabilities,
	}
}

var mediaParts = []envelope.PartType{envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile}

// customerCapabilities are what a reply can hold.
func customerCapabilities() sdk.Capabilities {
	return sdk.Capabilities{
		Parts:      append([]envelope.PartType{envelope.PartText, envelope.PartSuggestions}, mediaParts...),
		Events:     []envelope.Kind{envelope.KindPassed, envelope.KindClosed, envelope.KindTyping},
		Idempotent: true,
		Media:      sdk.MediaLink,
	}
}

// botCapabilities are what a question can hold.
func (s *settings) botCapabilities() sdk.Capabilities {
	if s.FarEnd != farPatchbay {
		return sdk.Capabilities{Parts: []envelope.PartType{envelope.PartText}, TextBytes: s.TextBytes}
	}
	c := sdk.Capabilities{
		Parts:      append([]envelope.PartType{envelope.PartText}, mediaParts...),
		Events:     []envelope.Kind{envelope.KindTyping, envelope.KindRead, envelope.KindClosed},
		Idempotent: true,
		Media:      sdk.MediaLink,
		TextBytes:  envelope.MaxTextBytes, // userSay becomes one part over there
	}
	if s.TextBytes > 0 {
		c.TextBytes = min(c.TextBytes, s.TextBytes)
	}
	return c
}
