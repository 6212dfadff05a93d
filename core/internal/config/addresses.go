package config

import (
	"net/netip"
	"net/url"
	"slices"

	"patchbay/core/internal/finding"
	"patchbay/sdk/settings"
)

// CheckAddresses returns the problems of the vendor's addresses in a channel's settings: addresses that the channel may
// not call, and warnings of credentials that travel unencrypted.
func (c *Config) CheckAddresses(channel string, schema []byte) []Problem {
	s, err := settings.Parse(schema)
	ch, ok := c.Channel(channel)
	if err != nil || !ok {
		return nil
	}
	base := c.root.find("channels", channel, "settings")
	hasSecret := false
	for setting := range s.All() {
		n := base.find(setting.Path...)
		hasSecret = hasSecret || setting.Secret && n.kind == scalar && n.resolved.text != ""
	}
	var out []Problem
	for setting := range s.All() {
		n := base.find(setting.Path...)
		if !setting.Address || n.kind != scalar || n.resolved.unset {
			continue
		}
		if p, found := checkAddress(n, ch.Allow, hasSecret); found {
			out = append(out, p)
		}
	}
	return c.source.addExcerpts(tidy(out))
}

func checkAddress(n *node, allow []netip.Prefix, hasSecret bool) (Problem, bool) {
	u, err := url.Parse(n.resolved.text)
	if err != nil || u.Hostname() == "" {
		return Problem{}, false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" {
		addr, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	isLocal := err == nil && slices.ContainsFunc(privateRanges, func(p netip.Prefix) bool { return p.Contains(addr) })
	switch {
	case isLocal && !slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(addr) }):
		p := n.problem(finding.PrivateAddress, u.Hostname()+" is not a public address, and the channel may not call it; "+
			"add its network to the channel's `allow`")
		p.Suggestion = "allow: [" + netip.PrefixFrom(addr, addr.BitLen()).String() + "]"
		return p, true
	case !isLocal && u.Scheme == "http" && hasSecret:
		return n.problem(finding.CleartextCredentials,
			"credentials travel unencrypted to "+u.Hostname()+"; use https://"), true
	}
	return Problem{}, false
}
