package main

import (
	"net/http"
	"net/url"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// webhookPath precedes the channel's name in the paths of its webhooks. They are entered at the vendor (Integration >
// API > webhook, and the human service of the agent) and can be chosen freely.
const webhookPath = "/webhooks/botwebhook/"

// Names of the hand-off's calls below the channel's path, as the vendor's page "Human handoff service" has them.
const (
	establishCall = "/conversation/establish"
	chatCall      = "/chat"
	closeCall     = "/conversation/close"
)

// agentParts are what a question to an agent may have.
var agentParts = []envelope.PartType{envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartFile}

// endpoint is what the channel offers and needs.
func (ch *channel) endpoint() sdk.Endpoint {
	base := webhookPath + url.PathEscape(ch.name)
	if ch.role == envelope.RoleCustomer {
		return sdk.Endpoint{
			Paths:   []sdk.Path{posted(base + establishCall), posted(base + chatCall), posted(base + closeCall)},
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
		Paths:        []sdk.Path{posted(base)},
		Refusal:      sdk.Refusal{ContentType: jsonType, Body: callRefusal},
		Threads:      ch.Threads,
		Capabilities: caps,
	}
	if ch.replies() {
		ep.Unknown = "dead" // to ask again costs credits, and the customer may get two answers
	}
	return ep
}

func posted(pattern string) sdk.Path {
	return sdk.Path{Pattern: pattern, Methods: []string{http.MethodPost}, ContentTypes: []string{jsonType}}
}
