package app

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"patchbay/core/internal/config"
	"patchbay/core/internal/finding"
	"patchbay/core/internal/ingress"
	"patchbay/core/internal/media"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// pathConflicts reports paths of channels that cannot be in the routing table: malformed paths, paths of the gateway
// itself, and paths that conflict with the path of another channel.
func (p *plugins) pathConflicts(cfg *config.Config) []config.Problem {
	var problems []config.Problem
	report := func(ep *ingress.Endpoint, format string, args ...any) {
		text := fmt.Sprintf("adapter %s receives on %s, ", ep.Adapter, ep.Prefix+ep.Pattern) + fmt.Sprintf(format, args...)
		problems = append(problems, cfg.Problem(finding.PathConflict, text, "channels", ep.Channels[0]))
	}
	all := endpoints(cfg, p)
	for _, c := range ingress.Conflicts(all) {
		if c.Other == nil {
			report(c.Endpoint, "which is no valid path; report this to its author: %v", c.Err)
			continue
		}
		report(c.Endpoint, "which conflicts with %s of adapter %s, channel %s: give one of the channels a `path` prefix",
			c.Other.Prefix+c.Other.Pattern, c.Other.Adapter, c.Other.Channels[0])
	}
	for i := range all {
		if strings.HasPrefix(all[i].Prefix+all[i].Pattern+"/", media.PathPrefix) {
			report(&all[i], "which is the path of links to media: give the channel a `path` prefix")
		}
	}
	return problems
}

// missingAbilities reports channels and rules that need an ability that the adapter does not have.
func (p *plugins) missingAbilities(cfg *config.Config) []config.Problem {
	var problems []config.Problem
	can := func(ch *config.Channel, ability string) bool {
		d := p.described[ch.Adapter]
		return d == nil || slices.Contains(d.GetAbilities(), ability)
	}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		report := func(message string) {
			problems = append(problems, cfg.Problem(finding.MissingAbility, "adapter "+ch.Adapter+message, "channels",
				ch.Name, "adapter"))
		}
		if !can(ch, "deliver") {
			report(" cannot deliver, so no message could reach this channel")
		}
		if ch.Role != envelope.RoleObserver && !can(ch, "receive") && !can(ch, "subscribe") {
			report(" cannot receive, so this channel could never send a message")
		}
		if p.endpoints[ch.Name].GetSubscribes() && !can(ch, "subscribe") {
			report(" asks for a subscription of this channel and does not implement one; report this to its author")
		}
	}
	return append(problems, p.impossibleOffers(cfg, can)...)
}

// nameAdapters extends the problems with the role of a channel: it lists the other adapters in use that declare this
// role.
func (p *plugins) nameAdapters(cfg *config.Config, problems []config.Problem) {
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		var names []string
		for _, name := range slices.Sorted(maps.Keys(p.described)) {
			if name != ch.Adapter && slices.Contains(p.described[name].GetRoles(), string(ch.Role)) {
				names = append(names, name)
			}
		}
		for j := range problems {
			role := problems[j].Code == finding.InvalidSetting && problems[j].Path == "channels."+ch.Name+".role"
			if role && len(names) > 0 {
				problems[j].Message += fmt.Sprintf("; adapters in use with the role %s: %s", ch.Role, strings.Join(names, ", "))
			}
		}
	}
}

// declaredNames returns the names that the adapters in use and the rules declare. It returns false if the description
// of an adapter is missing.
func (p *plugins) declaredNames(cfg *config.Config) (route.Declared, bool) {
	complete := true
	declared := route.Declared{
		Attributes: map[string]string{}, Declined: map[string]map[string]string{}, Events: map[string]map[string]string{},
	}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		d := p.described[ch.Adapter]
		complete = complete && d != nil
		maps.Copy(declared.Attributes, d.GetAttributes())
		declared.Declined[ch.Name], declared.Events[ch.Name] = d.GetReasonCodes(), d.GetEventReasons()
	}
	declared.AddRules(cfg.Routes)
	return declared, complete
}

// impossibleOffers reports offers to channels whose adapter cannot accept them.
func (p *plugins) impossibleOffers(cfg *config.Config, can func(*config.Channel, string) bool) []config.Problem {
	var problems []config.Problem
	for i := range cfg.Routes {
		offer := cfg.Routes[i].Offer
		if offer == nil {
			continue
		}
		for at, to := range offer.To {
			ch, ok := cfg.Channel(to)
			if !ok || ch.Role != envelope.RoleBot && ch.Role != envelope.RoleAgent || can(ch, "open") {
				continue // package config reports channels of other roles
			}
			path := []string{"routes", strconv.Itoa(i), "offer", "to"}
			if len(offer.To) > 1 {
				path = append(path, strconv.Itoa(at))
			}
			problems = append(problems, cfg.Problem(finding.MissingAbility, "channel "+to+" cannot accept offers: its "+
				"adapter "+ch.Adapter+" does not open conversations; use `pass`", path...))
		}
	}
	return problems
}
