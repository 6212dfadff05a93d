package main

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// channel is a configured account. Only its health changes; a new configuration creates a new channel.
type channel struct {
	name string
	role envelope.Role
	settings
	api     *url.URL // base_url
	client  *http.Client
	metrics *metrics
	now     func() time.Time
	// accountError is GPTBots's last error about the account, or nil.
	accountError atomic.Pointer[string]
}

// webhookPath precedes the channel's name in the paths of its webhooks. The operator enters the paths in the GPTBots
// console (Integration > API > webhook, and the agent's human service).
const webhookPath = "/webhooks/botwebhook/"

// Paths of the hand-off's calls below the channel's path ("Human handoff service").
const (
	establishPath = "/conversation/establish"
	chatPath      = "/chat"
	closePath     = "/conversation/close"
)

// agentParts are the part types that a message to an agent can carry.
var agentParts = []envelope.PartType{envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartFile}

// endpoint returns the channel's paths and capabilities.
func (ch *channel) endpoint() sdk.Endpoint {
	base := webhookPath + url.PathEscape(ch.name)
	if ch.role == envelope.RoleCustomer {
		return sdk.Endpoint{
			Paths:   []sdk.Path{postPath(base + establishPath), postPath(base + chatPath), postPath(base + closePath)},
			Refusal: sdk.Refusal{ContentType: jsonType, Body: handoffRefusal},
			Threads: sdk.ThreadsPerConversation,
			Capabilities: &sdk.Capabilities{
				Parts:  []envelope.PartType{envelope.PartText},
				Events: []envelope.Kind{envelope.KindClosed, envelope.KindDisconnected},
			},
		}
	}
	caps := &sdk.Capabilities{Parts: agentParts, History: true, Media: sdk.MediaLink, MediaBytes: ch.MediaBytes}
	if ch.Media == mediaBase64 {
		caps.Media = sdk.MediaStream
	}
	ep := sdk.Endpoint{
		Paths:        []sdk.Path{postPath(base)},
		Refusal:      sdk.Refusal{ContentType: jsonType, Body: messageRefusal},
		Threads:      ch.Threads,
		Capabilities: caps,
	}
	if ch.repliesInResponse() {
		ep.Unknown = "dead" // a repeat costs credits and may give the customer two answers
	}
	return ep
}

func postPath(pattern string) sdk.Path {
	return sdk.Path{Pattern: pattern, Methods: []string{http.MethodPost}, ContentTypes: []string{jsonType}}
}
