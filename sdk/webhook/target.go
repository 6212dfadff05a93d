package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ErrForbiddenTarget is the error for an address that must not be called. Its text names the address and
// the setting that would allow it.
var ErrForbiddenTarget = errors.New("target address is not public")

// forbidden lists what is not a public unicast address, from the IANA special-purpose registries.
var forbidden = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared address space, also cloud metadata"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local, also cloud metadata"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved, also broadcast"},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud platform service"},
	{netip.MustParsePrefix("::/96"), "unspecified, loopback, or an embedded IPv4 address"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "translated IPv4 address"},
	{netip.MustParsePrefix("64:ff9b::/96"), "NAT64"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "NAT64"},
	{netip.MustParsePrefix("100::/64"), "discard"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "dummy prefix"},
	{netip.MustParsePrefix("2001::/23"), "protocol assignments, also Teredo"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
	{netip.MustParsePrefix("5f00::/16"), "segment routing"},
	{netip.MustParsePrefix("fc00::/7"), "unique local, also cloud metadata"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// CheckTarget returns nil if addr may be called: it is public, or inside one of allow. IPv4 addresses in
// their IPv6-mapped form count as the IPv4 address; zones are ignored. Only 2000::/3 is public in IPv6.
func CheckTarget(addr netip.Addr, allow []netip.Prefix) error {
	return checkTarget(addr, allow, settingCalls)
}

// Settings that allow what is not public.
const (
	settingCalls = "allow"
	settingLinks = "allow_links"
)

func checkTarget(addr netip.Addr, allow []netip.Prefix, setting string) error {
	if !addr.IsValid() {
		return fmt.Errorf("%w: invalid address", ErrForbiddenTarget)
	}
	addr = addr.Unmap().WithZone("")
	if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return contains(p, addr) }) {
		return nil
	}
	for _, f := range forbidden {
		if f.prefix.Contains(addr) {
			return forbiddenTarget(addr, f.what, setting)
		}
	}
	if addr.Is6() && !publicIPv6.Contains(addr) {
		return forbiddenTarget(addr, "not assigned", setting)
	}
	return nil
}

var publicIPv6 = netip.MustParsePrefix("2000::/3")

// contains also understands a prefix that an operator wrote in IPv6-mapped form.
func contains(p netip.Prefix, addr netip.Addr) bool {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Contains(addr)
}

func forbiddenTarget(addr netip.Addr, what, setting string) error {
	to := "to call it, add it to the channel's allow list"
	if setting == settingLinks {
		to = "links from outside lead there only if the channel's allow_links says so"
	}
	return fmt.Errorf("%w: %s (%s); %s, like %s: [%s/%d]", ErrForbiddenTarget, addr, what, to, setting, addr, addr.BitLen())
}
