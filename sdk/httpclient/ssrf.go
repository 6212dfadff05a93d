package httpclient

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrForbiddenAddress is the error of a connection to an address that is neither public nor allowed. The text of the
// wrapping error names the address and the setting that would allow it.
var ErrForbiddenAddress = errors.New("target address is not public")

// Settings of a channel that allow non-public networks.
const (
	settingAllow      = "allow"
	settingAllowLinks = "allow_links"
)

// guard decides to which addresses a client may connect.
type guard struct {
	allow   []netip.Prefix
	setting string // name of the channel's setting that contains allow
}

// control checks an address for net.Dialer, after name resolution and before the connection.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s %s", ErrForbiddenAddress, network, address)
	}
	return g.check(ap.Addr())
}

// check returns nil if addr is public or in one of the allowed networks. An IPv4 address in IPv6-mapped form counts as
// the IPv4 address, zones are ignored, and only 2000::/3 is public in IPv6.
func (g guard) check(addr netip.Addr) error {
	if !addr.IsValid() {
		return fmt.Errorf("%w: invalid address", ErrForbiddenAddress)
	}
	addr = addr.Unmap().WithZone("")
	if slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return contains(p, addr) }) {
		return nil
	}
	for _, s := range specialPurpose {
		if s.prefix.Contains(addr) {
			return g.forbid(addr, s.purpose)
		}
	}
	if addr.Is6() && !publicIPv6.Contains(addr) {
		return g.forbid(addr, "not assigned")
	}
	return nil
}

func (g guard) forbid(addr netip.Addr, purpose string) error {
	remedy := "to call it, add it to the channel's allow list"
	if g.setting == settingAllowLinks {
		remedy = "to read links to it, add it to the channel's allow_links list"
	}
	return fmt.Errorf("%w: %s (%s); %s, like %s: [%s/%d]",
		ErrForbiddenAddress, addr, purpose, remedy, g.setting, addr, addr.BitLen())
}

// contains reports whether addr is in p. It also accepts a prefix in IPv6-mapped form.
func contains(p netip.Prefix, addr netip.Addr) bool {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Contains(addr)
}

var publicIPv6 = netip.MustParsePrefix("2000::/3")

// specialPurpose lists the networks that are not public unicast, from the IANA special-purpose address registries.
var specialPurpose = []struct {
	prefix  netip.Prefix
	purpose string
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
