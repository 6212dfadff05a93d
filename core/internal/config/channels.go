package config

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// reserved can't be names of channels: rules use them for something else.
var reserved = []string{"customer", "bot", "agent", "observer", "system", "owner", route.Home, "any", "gateway"}

var pathPrefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func (l *loader) channels(c *Config, f *fileConfig) {
	n := l.tree.root.get("channels")
	if n == nil || len(n.keys) == 0 {
		l.bad([]string{"channels"}, "", "missing; name at least one channel")
		return
	}
	for _, k := range n.keys {
		if ch, ok := f.Channels[k.name]; ok {
			c.Channels = append(c.Channels, l.channel(k.name, &ch, f.Adapters))
		}
	}
	l.checkOwners(c)
}

func (l *loader) channel(name string, f *fileChannel, adapters map[string]fileAdapter) Channel {
	at := func(more ...string) []string { return append([]string{"channels", name}, more...) }
	l.checkSlug("channels", name)
	if slices.Contains(reserved, name) {
		l.bad(at(), "", "%q means something else in routes; take another name", name)
	}
	out := Channel{Name: name, Adapter: f.Adapter, Owner: f.Owner, Path: f.Path, Delivery: l.delivery(name, &f.Delivery)}
	switch _, known := adapters[f.Adapter]; {
	case f.Adapter == "":
		l.bad(at("adapter"), "", "missing; name one of adapters")
	case !known && !l.broken["adapters"]:
		l.bad(at("adapter"), l.suggest(f.Adapter, keysOf(adapters), at("adapter")...), "there is no adapter %s",
			l.quote(f.Adapter, at("adapter")...))
	}
	roles := []string{"customer", "bot", "agent", "observer"}
	switch {
	case f.Role == "":
		l.bad(at("role"), "", "missing; it is one of %s", strings.Join(roles, ", "))
	case !slices.Contains(roles, f.Role):
		l.oneOf(f.Role, roles, nil, at("role")...)
	default:
		out.Role = envelope.Role(f.Role)
	}
	switch {
	case f.Path != "" && !validPrefix(f.Path):
		l.bad(at("path"), "", "%s must begin with a slash and not end with one, such as /shop-a",
			l.quote(f.Path, at("path")...))
	case f.Path == linksPath || strings.HasPrefix(f.Path, linksPath+"/"):
		l.bad(at("path"), "", "is where the gateway's own links are; take a path that does not begin with %s", linksPath)
	}
	out.Allow = l.networks(f.Allow, at("allow"))
	out.AllowLinks = l.networks(f.AllowLinks, at("allow_links"))
	out.Settings = l.settings(name)
	return out
}

func validPrefix(p string) bool {
	return pathPrefix.MatchString(p) && !strings.Contains(p, "/./") && !strings.Contains(p, "/../") &&
		!strings.HasSuffix(p, "/.") && !strings.HasSuffix(p, "/..")
}

// suggest returns the candidate that was meant, unless the value must not be shown.
func (l *loader) suggest(value string, candidates []string, path ...string) string {
	if l.hidden(path) {
		return ""
	}
	return route.Closest(value, candidates)
}

func keysOf[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// networks reads networks that are allowed although they are not public.
func (l *loader) networks(list []string, at []string) []netip.Prefix {
	var out []netip.Prefix
	for i, s := range list {
		path := append(slices.Clip(at), strconv.Itoa(i))
		p, err := netip.ParsePrefix(s)
		if err != nil {
			suggestion := ""
			if ip, err := netip.ParseAddr(s); err == nil && !l.hidden(path) {
				suggestion = netip.PrefixFrom(ip, ip.BitLen()).String()
			}
			l.bad(path, suggestion, "%s is no network; write it as 127.0.0.0/8 or 10.1.2.0/24", l.quote(s, path...))
			continue
		}
		if p != p.Masked() {
			suggestion := p.Masked().String()
			if l.hidden(path) {
				suggestion = ""
			}
			l.bad(path, suggestion, "%s has bits beyond its length", l.quote(s, path...))
			continue
		}
		if !private(p) {
			l.bad(path, "", "%s is no loopback or private network; public addresses need no permission, and link-local and "+
				"shared ones, where clouds keep credentials, can't have one", l.quote(s, path...))
			continue
		}
		out = append(out, p)
	}
	return out
}

// privateNetworks are loopback and RFC 1918 and their like in IPv6. Link-local and shared address space (RFC 6598) are
// not among them: clouds serve their machines' credentials there.
var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"),
}

func private(p netip.Prefix) bool {
	return slices.ContainsFunc(privateNetworks, func(n netip.Prefix) bool {
		return n.Bits() <= p.Bits() && n.Contains(p.Addr())
	})
}

func (l *loader) delivery(channel string, f *fileDelivery) Delivery {
	at := func(key string) []string { return []string{"channels", channel, "delivery", key} }
	l.between(f.Timeout, 100*time.Millisecond, 5*time.Minute, at("timeout")...)
	l.between(f.GiveUp, time.Second, 7*24*time.Hour, at("give_up")...)
	l.oneOf(f.Then, []string{string(ThenSkip)}, []string{"block", "divert"}, at("then")...)
	l.oneOf(f.Unknown, []string{string(UnknownAuto), string(UnknownRetry), string(UnknownDead)}, []string{"hold"}, at("unknown")...)
	if f.Concurrency < 1 || f.Concurrency > 10_000 {
		l.bad(at("concurrency"), "", "must be from 1 to 10000 calls")
	}
	if f.Rate < 0 || f.Rate > math.MaxInt32 {
		l.bad(at("rate"), "", "must be 0 (no limit) or more calls a second")
	}
	return Delivery{Timeout: f.Timeout, GiveUp: f.GiveUp, Then: Then(f.Then), Unknown: Unknown(f.Unknown),
		Concurrency: f.Concurrency, Rate: f.Rate}
}

// checkOwners gives each customer channel its owner and checks all owners.
func (l *loader) checkOwners(c *Config) {
	roles := c.Roles()
	l.checkOwner(roles, c.Conversations.Owner, "conversations", "owner")
	for i := range c.Channels {
		ch := &c.Channels[i]
		path := []string{"channels", ch.Name, "owner"}
		switch {
		case ch.Role != envelope.RoleCustomer && ch.Owner != "":
			if ch.Role != "" {
				l.bad(path, "", "only a channel of role customer has an owner")
				break
			}
			l.checkOwner(roles, ch.Owner, path...) // the role is wrong: it may be meant as customer
		case ch.Role != envelope.RoleCustomer:
		case ch.Owner != "":
			l.checkOwner(roles, ch.Owner, path...)
		case c.Conversations.Owner == "":
			l.bad([]string{"channels", ch.Name}, "", "has no owner: name the bot or agent channel that answers first "+
				"with owner, or for all channels with conversations.owner")
		default:
			ch.Owner = c.Conversations.Owner
		}
	}
}

func (l *loader) checkOwner(roles route.Channels, owner string, path ...string) {
	role, ok := roles[owner]
	switch {
	case owner == "":
	case !ok:
		l.bad(path, l.suggest(owner, keysOf(roles), path...), "there is no channel %s", l.quote(owner, path...))
	case role != envelope.RoleBot && role != envelope.RoleAgent && role != "":
		l.bad(path, "", "channel %s has role %s; an owner answers, so it needs role bot or agent", l.quote(owner, path...), role)
	}
}
