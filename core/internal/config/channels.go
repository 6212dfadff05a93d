package config

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// reservedNames are the names that channels cannot have: rules use these words with another meaning.
var reservedNames = []string{"customer", "bot", "agent", "observer", "system", "owner", route.Home, "any", "gateway"}

var pathPrefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func (l *loader) channels(c *Config, f *fileConfig) {
	if len(f.Channels.list) == 0 {
		l.bad(finding.MissingKey, f.Channels.node, "missing; name at least one channel")
		return
	}
	for i := range f.Channels.list {
		c.Channels = append(c.Channels, l.channel(&f.Channels.list[i], &f.Adapters))
	}
	l.checkOwners(c, f)
}

func (l *loader) channel(f *fileChannel, adapters *named[fileAdapter]) Channel {
	l.checkSlug(f.node)
	if slices.Contains(reservedNames, f.node.name) {
		l.bad(finding.ReservedName, f.node, "%q has another meaning in routes; take another name", f.node.name)
	}
	out := Channel{Name: f.node.name, Adapter: f.Adapter.value, Owner: f.Owner.value, Path: f.Path.value,
		Title: l.title(&f.Title), Hours: l.hours(&f.Hours), Delivery: l.delivery(&f.Delivery)}
	switch known := adapters.names(); {
	case out.Adapter == "":
		l.bad(finding.MissingKey, f.Adapter.node, "missing; set it to one of the adapters")
	case !slices.Contains(known, out.Adapter) && !l.broken["adapters"]:
		l.badFor(finding.UnknownAdapter, f.Adapter.node, route.Closest(out.Adapter, known), "there is no adapter %s",
			f.Adapter.node.quote())
	}
	switch {
	case f.Role.value == "":
		l.bad(finding.MissingKey, f.Role.node, "missing; set it to one of %s", strings.Join(channelRoles, ", "))
	case !slices.Contains(channelRoles, f.Role.value):
		l.oneOf(&f.Role, channelRoles...)
	default:
		out.Role = envelope.Role(f.Role.value)
		if f.Hours.node.kind == mapping && out.Role != envelope.RoleBot && out.Role != envelope.RoleAgent {
			l.bad(finding.WrongRole, f.Hours.node, "only a channel of role bot or agent has hours")
		}
	}
	out.Overlap = l.overlap(f, out.Role)
	switch {
	case out.Path != "" && !validPrefix(out.Path):
		l.bad(finding.InvalidValue, f.Path.node, "%s must begin with a slash and not end with one, such as /shop-a",
			f.Path.node.quote())
	case out.Path == linksPath || strings.HasPrefix(out.Path, linksPath+"/"):
		l.bad(finding.PathConflict, f.Path.node, "is reserved for the gateway's own links; take a path that does not "+
			"begin with %s", linksPath)
	}
	out.Allow = l.privateNetworks(&f.Allow)
	out.AllowLinks = l.privateNetworks(&f.AllowLinks)
	out.Settings = l.settings(f.Settings.node)
	return out
}

// overlap returns the overlap of a channel, by default OverlapSend for a bot.
func (l *loader) overlap(f *fileChannel, role envelope.Role) Overlap {
	switch {
	case f.Overlap.value == "" && role == envelope.RoleBot:
		return OverlapSend
	case f.Overlap.value == "":
		return ""
	case role != envelope.RoleBot && role != "":
		l.bad(finding.WrongRole, f.Overlap.node, "only a channel of role bot has an overlap")
		return ""
	}
	l.oneOf(&f.Overlap, string(OverlapSend), string(OverlapQueue), string(OverlapMerge))
	return Overlap(f.Overlap.value)
}

// names returns the names of the entries.
func (s *named[T]) names() []string {
	var out []string
	for _, child := range s.node.children {
		out = append(out, child.name)
	}
	return out
}

func validPrefix(p string) bool {
	return pathPrefix.MatchString(p) && !strings.Contains(p, "/./") && !strings.Contains(p, "/../") &&
		!strings.HasSuffix(p, "/.") && !strings.HasSuffix(p, "/..")
}

func (l *loader) delivery(f *fileDelivery) Delivery {
	l.requireBetween(&f.Timeout, 100*time.Millisecond, 5*time.Minute)
	l.requireBetween(&f.GiveUp, time.Second, 7*24*time.Hour)
	l.requireBetween(&f.MaxPause, time.Second, 24*time.Hour)
	l.oneOf(&f.Then, string(ThenSkip), string(ThenBlock))
	l.oneOfOrPlanned(&f.Unknown, []string{"hold"}, unknownPolicies...)
	l.require(f.Concurrency.value >= 1 && f.Concurrency.value <= 10_000, f.Concurrency.node,
		"must be from 1 to 10000 calls")
	l.require(f.Rate.value >= 0 && f.Rate.value <= math.MaxInt32, f.Rate.node,
		"must be 0 (no limit) or a number of calls a second")
	return Delivery{Timeout: f.Timeout.value, GiveUp: f.GiveUp.value, MaxPause: f.MaxPause.value,
		Then:    Then(f.Then.value),
		Unknown: Unknown(f.Unknown.value), Concurrency: f.Concurrency.value, Rate: f.Rate.value}
}

// checkOwners checks all owners, and sets the owner of each customer channel that names none.
func (l *loader) checkOwners(c *Config, f *fileConfig) {
	roles := c.Roles()
	l.checkOwner(roles, &f.Conversations.Owner)
	for i := range c.Channels {
		ch, file := &c.Channels[i], &f.Channels.list[i]
		switch {
		case ch.Role != envelope.RoleCustomer && ch.Owner != "":
			if ch.Role != "" {
				l.bad(finding.WrongRole, file.Owner.node, "only a channel of role customer has an owner")
				break
			}
			l.checkOwner(roles, &file.Owner) // the role is missing or wrong, and may have to be customer
		case ch.Role != envelope.RoleCustomer:
		case ch.Owner != "":
			l.checkOwner(roles, &file.Owner)
		case c.Conversations.Owner == "" && f.Conversations.Owner.node.resolved.unset:
		case c.Conversations.Owner == "":
			l.bad(finding.MissingOwner, file.node,
				"has no owner: set owner to the bot or agent channel that answers first, or "+
					"conversations.owner for all channels")
		default:
			ch.Owner = c.Conversations.Owner
		}
	}
}

func (l *loader) checkOwner(roles route.Channels, s *setting[string]) {
	role, ok := roles[s.value]
	switch {
	case s.value == "":
	case !ok:
		l.badFor(finding.UnknownChannel, s.node, route.Closest(s.value, roles.Names()), "there is no channel %s",
			s.node.quote())
	case role != envelope.RoleBot && role != envelope.RoleAgent && role != "":
		l.bad(finding.WrongRole, s.node, "channel %s has role %s; an owner needs role bot or agent", s.node.quote(),
			role)
	}
}
