package app

import (
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// assumedEvents are the kinds of events that channels take, by role, as AssumedPolicy assumes.
var assumedEvents = map[envelope.Role][]string{
	envelope.RoleCustomer: {string(envelope.KindPassed), string(envelope.KindClosed), string(envelope.KindTyping)},
	envelope.RoleBot:      {string(envelope.KindClosed)},
	envelope.RoleAgent:    {string(envelope.KindDisconnected)},
	envelope.RoleObserver: {
		string(envelope.KindConnected), string(envelope.KindDisconnected), string(envelope.KindHandoverRequested),
		string(envelope.KindPassed), string(envelope.KindClosed),
	},
}

var assumedParts = []string{
	string(envelope.PartText), string(envelope.PartImage), string(envelope.PartAudio), string(envelope.PartVideo),
	string(envelope.PartFile), string(envelope.PartLocation), string(envelope.PartCard),
	string(envelope.PartSuggestions),
}

// AssumedPolicy returns the policy of a configuration without its adapters. It assumes that all channels except
// observers open threads, one per epoch. Agents get a transcript and other channels the history. Channels take all
// types of parts, links to media, and texts of any length. giveUp has the age at which each channel's deliveries are
// given up.
func AssumedPolicy(cfg *config.Config) (p *conversation.Policy, giveUp map[string]time.Duration) {
	described := &pluginpb.DescribeResponse{Abilities: []string{"receive", "deliver", "open"}}
	assumed := &plugins{
		described: map[string]*pluginpb.DescribeResponse{}, endpoints: map[string]*pluginpb.ConfigureResponse{},
	}
	giveUp = map[string]time.Duration{}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		assumed.described[ch.Adapter] = described
		assumed.endpoints[ch.Name] = &pluginpb.ConfigureResponse{
			Threads: string(sdk.ThreadsPerEpoch),
			Capabilities: &pluginpb.Capabilities{
				Events: assumedEvents[ch.Role], Parts: assumedParts, History: ch.Role != envelope.RoleAgent,
				Media: string(sdk.MediaLink),
			},
		}
		giveUp[ch.Name] = ch.Delivery.GiveUp
	}
	p = policy(cfg, assumed, nil)
	for _, ch := range p.Channels {
		ch.Opens = ch.Opens && ch.Role != envelope.RoleObserver
	}
	return p, giveUp
}
