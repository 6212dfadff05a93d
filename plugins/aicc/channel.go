package main

import (
	"slices"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// pushPath is the path that AICC appends to the base URL of the console (Message Push Interface Specifications, URI).
const pushPath = "/webhooks/v1/messages"

// maxPush limits the body of a push, in bytes.
const maxPush = 1 << 20

const defaultFileBytes = 2 << 20

// capabilities returns the capabilities of a channel.
func capabilities(fileBytes int64) sdk.Capabilities {
	return sdk.Capabilities{
		Parts: []envelope.PartType{
			envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile,
			envelope.PartCard,
		},
		Events:        slices.Clone(deliveredEvents),
		TextBytes:     maxText,
		Media:         sdk.MediaStream,
		MediaBytes:    fileBytes,
		MediaTypes:    uploadTypes(),
		SeparateMedia: true,
	}
}

// channel is one configured AICC account. It does not change; a new configuration creates a new channel.
type channel struct {
	name        string
	prefix      string
	settings    Settings
	host        sdk.Host
	now         func() time.Time
	tokens      *tokenCache
	polledUsers *polledUsers // the polled users; nil if AICC pushes
	metrics     *metrics
}

// endpoint returns a path for pushes, or none if the channel polls.
func (c *channel) endpoint() sdk.Endpoint {
	can := capabilities(c.settings.MaxFileBytes)
	ep := sdk.Endpoint{
		Refusal:      sdk.Refusal{ContentType: jsonType, Body: `{"resultCode":"{{status}}","resultDesc":"{{text}}"}`},
		Threads:      sdk.ThreadsPerConversation,
		Capabilities: &can,
		Subscribes:   c.polls(),
	}
	if !c.polls() {
		ep.Paths = []sdk.Path{{
			Pattern:      pushPath,
			Methods:      []string{"POST"},
			ContentTypes: []string{jsonType},
			MaxBody:      maxPush,
		}}
	}
	return ep
}

func (c *channel) polls() bool { return c.settings.Inbound == inboundPoll }

// sharesMessages reports whether two channels would receive each other's messages.
func (c *channel) sharesMessages(o *channel) bool {
	if c.settings.ChannelID != o.settings.ChannelID || c.polls() != o.polls() {
		return false
	}
	if c.polls() {
		return c.settings.BaseURL == o.settings.BaseURL
	}
	return c.prefix == o.prefix
}
