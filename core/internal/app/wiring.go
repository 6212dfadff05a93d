package app

import (
	"net"
	"slices"
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/ingress"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/render"
	"patchbay/core/internal/subscription"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// policy returns the part of the configuration that decisions use. Without an engine, each channel is reachable.
func policy(cfg *config.Config, p *plugins, engine *delivery.Engine) *conversation.Policy {
	out := &conversation.Policy{
		Revision: 1, Channels: map[string]*conversation.Channel{}, Routes: cfg.Table, Owner: cfg.Conversations.Owner,
		History: cfg.Conversations.History, CloseAfter: cfg.Conversations.CloseAfter,
		Bounces: cfg.Conversations.Bounces, Zone: cfg.Conversations.Zone, Language: cfg.Conversations.Language,
	}
	if engine != nil {
		out.Reachable, out.RefuseAfter, out.Calls = reachabilityCheck(cfg, p, engine), cfg.Limits.RefuseAfter(), engine.State
	}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		d := p.described[ch.Adapter]
		caps := p.capabilities(ch)
		// An adapter without a description counts as one that opens threads. Otherwise a thread that the vendor has not
		// opened could be stored.
		opens := d == nil || slices.Contains(d.GetAbilities(), "open")
		c := &conversation.Channel{
			Name: ch.Name, Role: ch.Role, Title: ch.Title, Hours: ch.Hours, Owner: ch.Owner, Opens: opens,
			PerEpoch: p.endpoints[ch.Name].GetThreads() == string(sdk.ThreadsPerEpoch),
			Events:   map[envelope.Kind]bool{}, Target: target(caps), History: caps.GetHistory(),
			Timeout: ch.Delivery.Timeout, Block: ch.Delivery.Then == config.ThenBlock,
			Overlap: conversation.Overlap(ch.Overlap),
		}
		for _, e := range caps.GetEvents() {
			c.Events[envelope.Kind(e)] = true
		}
		out.Channels[ch.Name] = c
	}
	return out
}

// target returns the forms of content that a channel accepts.
func target(caps *pluginpb.Capabilities) render.Target {
	return render.Target{
		TextBytes: int(caps.GetTextBytes()), Parts: parts(caps), SeparateMedia: caps.GetSeparateMedia(),
		Links: sdk.MediaMode(caps.GetMedia()) != sdk.MediaStream,
	}
}

// reachabilityCheck returns a function that reports whether calls to a channel can succeed within a time: its circuit
// breaker is not open, a pause that the vendor asked for ends within this time, its adapter is not in quarantine, and
// the adapter has accepted the channel.
func reachabilityCheck(cfg *config.Config, p *plugins, engine *delivery.Engine) func(string, time.Duration) bool {
	return func(name string, within time.Duration) bool {
		ch, ok := cfg.Channel(name)
		if !ok || p.unavailable[name] != "" {
			return false
		}
		h := p.hosts[ch.Adapter]
		return h.Status().State != plugin.StateQuarantined && h.Serves(name) && engine.IsReachable(name, within)
	}
}

func laneChannels(cfg *config.Config, p *plugins) []delivery.Channel {
	var out []delivery.Channel
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		caps := p.capabilities(ch)
		l := delivery.Channel{
			Name: ch.Name, Unavailable: p.unavailable[ch.Name], Adapter: ch.Adapter, Caller: p.hosts[ch.Adapter],
			Timeout: ch.Delivery.Timeout, GiveUp: ch.Delivery.GiveUp, MaxPause: ch.Delivery.MaxPause,
			DeadOnUnknown: p.onUnknown(ch) == config.UnknownDead,
			Concurrency:   ch.Delivery.Concurrency, Rate: ch.Delivery.Rate, Hours: ch.Hours, Target: target(caps),
		}
		setMedia(&l, caps)
		out = append(out, l)
	}
	return out
}

// capabilities returns the capabilities of a channel: those of its endpoint, or else those of its adapter.
func (p *plugins) capabilities(ch *config.Channel) *pluginpb.Capabilities {
	if own := p.endpoints[ch.Name].GetCapabilities(); own != nil {
		return own
	}
	return p.described[ch.Adapter].GetCapabilities()
}

// onUnknown returns the policy for calls whose outcome is unknown: that of the configuration, or else the adapter's
// preference.
func (p *plugins) onUnknown(ch *config.Channel) config.Unknown {
	if ch.Delivery.Unknown == config.UnknownAuto {
		return config.Unknown(p.endpoints[ch.Name].GetUnknown())
	}
	return ch.Delivery.Unknown
}

func parts(caps *pluginpb.Capabilities) map[envelope.PartType]bool {
	out := map[envelope.PartType]bool{}
	for _, part := range caps.GetParts() {
		out[envelope.PartType(part)] = true
	}
	return out
}

func endpoints(cfg *config.Config, p *plugins) []ingress.Endpoint {
	var out []ingress.Endpoint
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		resp := p.endpoints[ch.Name]
		refusal := ingress.RefusalTemplate{ContentType: resp.GetRefusalContentType(), Body: resp.GetRefusalBody()}
		for _, path := range resp.GetPaths() {
			out = append(out, ingress.Endpoint{
				Adapter: ch.Adapter, Receiver: p.hosts[ch.Adapter], Channels: []string{ch.Name}, Prefix: ch.Path,
				Pattern: path.GetPattern(), Methods: path.GetMethods(), ContentTypes: path.GetContentTypes(),
				MaxBody: path.GetMaxBody(), Refusal: refusal,
			})
		}
	}
	return out
}

// subscriptions returns the channels whose adapter polls or holds a connection.
func subscriptions(cfg *config.Config, p *plugins) []subscription.Channel {
	var out []subscription.Channel
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		if p.endpoints[ch.Name].GetSubscribes() {
			out = append(out, subscription.Channel{
				Name: ch.Name, Adapter: ch.Adapter, Host: p.hosts[ch.Adapter], MaxPause: ch.Delivery.MaxPause,
			})
		}
	}
	return out
}

func names(cfg *config.Config) (channels, routes []string) {
	for i := range cfg.Channels {
		channels = append(channels, cfg.Channels[i].Name)
	}
	for i := range cfg.Routes {
		routes = append(routes, cfg.Routes[i].Name)
	}
	return channels, routes
}

// listen opens a TCP listener. Its error names the setting.
func listen(setting, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &ListenError{Setting: setting, Addr: addr, Err: err}
	}
	return ln, nil
}
