package config

import (
	"net"
	"net/netip"
	"strconv"

	"patchbay/core/internal/finding"
)

func (l *loader) checkListeners(public, admin *setting[string]) {
	publicHost := l.checkAddress(public)
	host := l.checkAddress(admin)
	if host == "" {
		return
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		l.bad(finding.InvalidValue, admin.node,
			"must be a loopback address such as 127.0.0.1:9090: elsewhere the admin listener needs a "+
				"token, which is not supported yet")
	}
	if publicHost != "" && addressesConflict(public.value, admin.value) {
		second := public.node
		if admin.node.isSet() {
			second = admin.node
		}
		l.bad(finding.SameListener, second,
			"listen and admin.listen use the same port (%s and %s); give them different ones",
			public.node.quote(), admin.node.quote())
	}
}

// addressesConflict reports whether two listeners cannot use these addresses at the same time.
func addressesConflict(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	unspecified := func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host == "" || err == nil && ip.IsUnspecified()
	}
	return portA == portB && portA != "0" && (hostA == hostB || unspecified(hostA) || unspecified(hostB))
}

// checkAddress returns the host of an address host:port, or 0.0.0.0 if the host is empty. It reports an invalid address
// and returns "" for it.
func (l *loader) checkAddress(s *setting[string]) string {
	host, port, err := net.SplitHostPort(s.value)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		l.bad(finding.InvalidValue, s.node, "%s is not an address; write host:port, such as 127.0.0.1:8080", s.node.quote())
		return ""
	}
	if host == "" {
		return "0.0.0.0"
	}
	return host
}
