package main

import (
	"slices"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// pushPath is where AICC pushes to: it appends this to the base URL of its console.
const pushPath = "/webhooks/v1/messages"

// maxPush is the most bytes that one push may have.
const maxPush = 1 << 20

// defaultFileBytes is the default of max_file_bytes.
const defaultFileBytes = 2 << 20

// capabilities are those of a channel.
func capabilities(fileBytes int64) sdk.Capabilities {
	return sdk.Capabilities{
		Parts: []envelope.PartType{
			envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile,
			envelope.PartCard,
		},
		Events:     slices.Clone(wantedEvents),
		TextBytes:  maxText,
		Media:      sdk.MediaStream,
		MediaBytes: fileBytes,
		MediaTypes: uploadTypes(),
		MediaApart: true,
	}
}

// channel is one configured AICC account. It is not changed after Configure; a new configuration is a
// new channel.
type channel struct {
	name     string
	prefix   string
	settings Settings
	host     sdk.Host
	now      func() time.Time
	tokens   *tokenSource
	sessions *sessions // the users who are polled; nil if AICC pushes
	metrics  *metrics
}

// endpoint is what the channel offers: a path for pushes, or nothing if it polls.
func (c *channel) endpoint() sdk.Endpoint {
	can := capabilities(c.settings.MaxFileBytes)
	ep := sdk.Endpoint{
		Refusal:      sdk.Refusal{ContentType: jsonType, Body: `{"resultCode":"{{status}}","resultDesc":"{{text}}"}`},
		Threads:      sdk.ThreadsPerConversation,
		Capabilities: &can,
		Listens:      c.polls(),
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

// sharesMessages tells whether two channels would get each other's messages.
func (c *channel) sharesMessages(o *channel) bool {
	if c.settings.ChannelID != o.settings.ChannelID || c.polls() != o.polls() {
		return false
	}
	if c.polls() {
		return c.settings.BaseURL == o.settings.BaseURL
	}
	return c.prefix == o.prefix
}
