package config

import (
	"net/netip"
	"slices"

	"patchbay/core/internal/finding"
)

// privateNetworks reads the non-public networks that a channel may use.
func (l *loader) privateNetworks(f *textList) []netip.Prefix {
	return l.networks(f, func(p netip.Prefix) string {
		if isPrivate(p) {
			return ""
		}
		return "is not a loopback or private network; public addresses need no permission, and link-local and shared " +
			"addresses, where clouds keep credentials, cannot be permitted"
	})
}

// trustedProxies reads the networks of proxies. It refuses a network with all addresses, because then each caller could
// choose the address that the gateway sees.
func (l *loader) trustedProxies(f *textList) []netip.Prefix {
	return l.networks(f, func(p netip.Prefix) string {
		if p.Bits() > 0 {
			return ""
		}
		return "trusts every caller; name the networks of your proxies"
	})
}

// networks reads a list of networks. The function problem returns the reason why a network is not allowed, or "" if it
// is allowed.
func (l *loader) networks(f *textList, problem func(netip.Prefix) string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range f.list {
		p, err := netip.ParsePrefix(s.value)
		switch {
		case err != nil:
			suggestion := ""
			if ip, err := netip.ParseAddr(s.value); err == nil {
				suggestion = netip.PrefixFrom(ip, ip.BitLen()).String()
			}
			l.badFor(finding.InvalidValue, s.node, suggestion,
				"%s is not a network; write it in a form like 127.0.0.0/8 or 10.1.2.0/24",
				s.node.quote())
		case p != p.Masked():
			l.badFor(finding.InvalidValue, s.node, p.Masked().String(), "%s has bits beyond its length", s.node.quote())
		case problem(p) != "":
			l.bad(finding.InvalidValue, s.node, "%s %s", s.node.quote(), problem(p))
		default:
			out = append(out, p)
		}
	}
	return out
}

// privateRanges are the loopback and private networks (RFC 1918) and their counterparts in IPv6. Link-local and shared
// address space (RFC 6598) are not included, because clouds serve the credentials of their machines there.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"),
}

func isPrivate(p netip.Prefix) bool {
	return slices.ContainsFunc(privateRanges, func(n netip.Prefix) bool {
		return n.Bits() <= p.Bits() && n.Contains(p.Addr())
	})
}
