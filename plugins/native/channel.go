package main

import (
	"net/http"
	"net/url"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// channel is a configured account. Only its health changes; a new configuration creates a new channel.
type channel struct {
	name, prefix string
	role         envelope.Role
	settings
	target  string               // the URL that Deliver posts to
	keys    []webhook.SigningKey // role bot: verify replies; other roles: sign calls
	client  *http.Client
	metrics *metrics
	health  health
}

// newChannel returns a channel with valid settings.
func newChannel(ch sdk.Channel, s settings) (*channel, error) {
	c := &channel{name: ch.Name, prefix: ch.Prefix, role: ch.Role, settings: s, client: ch.Host.HTTP}
	secret := s.ReplySecret
	c.target = s.ReplyURL
	var err error
	if c.role == envelope.RoleBot {
		secret = s.AnswerSecret
		c.target, err = url.JoinPath(s.BaseURL, messagesPath, url.PathEscape(s.Organization), url.PathEscape(s.Chatbot))
		if err != nil {
			return nil, sdk.Invalid("base_url", "is not a URL; write it like https://host/path")
		}
	}
	if c.keys, err = webhook.ParseSigningKeys(secret.Reveal()); err != nil {
		return nil, sdk.Invalid("", "%s", err)
	}
	if c.metrics, err = newMetrics(ch.Host.Registry); err != nil {
		return nil, err
	}
	c.metrics.init(c.name)
	return c, nil
}

// endpoint returns the channel's path and capabilities.
func (ch *channel) endpoint() sdk.Endpoint {
	pattern, capabilities := messagesPath+"{organization}/{chatbotName}", customerCapabilities()
	switch ch.role {
	case envelope.RoleBot:
		pattern, capabilities = answersPath+url.PathEscape(ch.name), ch.botCapabilities()
	case envelope.RoleObserver:
		pattern, capabilities = "", observerCapabilities()
	}
	var paths []sdk.Path
	if pattern != "" {
		paths = []sdk.Path{{Pattern: pattern, Methods: []string{http.MethodPost}, ContentTypes: []string{jsonType}}}
	}
	return sdk.Endpoint{
		Paths:        paths,
		Refusal:      sdk.Refusal{ContentType: jsonType, Body: refusalTemplate},
		Threads:      sdk.ThreadsPerConversation,
		Capabilities: &capabilities,
	}
}

var mediaParts = []envelope.PartType{envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile}

// customerCapabilities returns the capabilities for replies.
func customerCapabilities() sdk.Capabilities {
	return sdk.Capabilities{
		Parts:      append([]envelope.PartType{envelope.PartText, envelope.PartSuggestions}, mediaParts...),
		Events:     []envelope.Kind{envelope.KindPassed, envelope.KindClosed, envelope.KindTyping},
		Idempotent: true,
		Media:      sdk.MediaLink,
	}
}

// botCapabilities returns the capabilities for messages to the far end.
func (s *settings) botCapabilities() sdk.Capabilities {
	if s.FarEnd != farPatchbay {
		return sdk.Capabilities{Parts: []envelope.PartType{envelope.PartText}, TextBytes: s.TextBytes}
	}
	c := sdk.Capabilities{
		Parts:      append([]envelope.PartType{envelope.PartText}, mediaParts...),
		Events:     []envelope.Kind{envelope.KindTyping, envelope.KindRead, envelope.KindClosed},
		Idempotent: true,
		Media:      sdk.MediaLink,
		TextBytes:  envelope.MaxTextBytes, // userSay becomes one part
	}
	if s.TextBytes > 0 {
		c.TextBytes = min(c.TextBytes, s.TextBytes)
	}
	return c
}
