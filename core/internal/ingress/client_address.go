package ingress

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress returns the address of a request's sender. If the connection comes from a trusted proxy, this is the
// last address in X-Forwarded-For that is not a trusted proxy. Otherwise it is the connection's address, because any
// other caller can write anything into the header. It returns the zero Addr if the address is unknown.
func (h *Handler) clientAddress(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	addr := plainAddress(peer.Addr())
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 || !addr.IsValid() {
		return addr
	}
	if !h.isTrustedProxy(addr) {
		h.warnOfProxy(addr)
		return addr
	}
	for _, s := range slices.Backward(strings.Split(strings.Join(forwarded, ","), ",")) {
		next, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil {
			break
		}
		if addr = plainAddress(next); !h.isTrustedProxy(addr) {
			break
		}
	}
	return addr
}

func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (h *Handler) isTrustedProxy(a netip.Addr) bool {
	return slices.ContainsFunc(h.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// warnOfProxy logs once that requests seem to come through a proxy that is not configured. All callers behind such a
// proxy share the limits of one address.
func (h *Handler) warnOfProxy(a netip.Addr) {
	if !a.IsLoopback() && !a.IsPrivate() {
		return
	}
	h.proxyWarning.Do(func() {
		h.Logger.Warn("requests come through a proxy that is not in trusted_proxies; its callers share one limit",
			"proxy", a.String())
	})
}

// warnOfSharedLimit logs, at most once an hour, that a peer is over the limit on failed authentications and sends
// X-Forwarded-For without being a trusted proxy. A public address may be a proxy, or a caller that invents the header.
func (h *Handler) warnOfSharedLimit(r *http.Request) {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	addr := plainAddress(peer.Addr())
	if len(r.Header.Values("X-Forwarded-For")) == 0 || h.isTrustedProxy(addr) {
		return
	}
	h.limitWarning.Do(func() {
		h.Logger.Warn("an address that sends X-Forwarded-For has too many failed authentications; "+
			"if it is a proxy, add it to trusted_proxies", "address", addr.String())
	})
}

// network returns the network whose addresses share limits: the address itself, or the /64 of an IPv6 address, because
// a single caller usually has a whole /64. Unknown addresses share limits too.
func network(a netip.Addr) netip.Prefix {
	switch {
	case !a.IsValid():
		return netip.PrefixFrom(netip.IPv4Unspecified(), 32)
	case a.Is6():
		return netip.PrefixFrom(a, 64).Masked()
	}
	return netip.PrefixFrom(a, 32)
}

// remote returns the sender's address for adapters and log lines: with the port if the connection is the sender's own.
func remote(r *http.Request, client netip.Addr) string {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || plainAddress(peer.Addr()) == client {
		return r.RemoteAddr
	}
	return client.String()
}
