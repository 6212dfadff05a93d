package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"patchbay/core/internal/finding"
)

// BaseURL returns the beginning of links to the public listener. This is the configured public_url. If there is none,
// it is an http URL with the listener's address, which is given as host:port. An unspecified host becomes 127.0.0.1, so
// these links work on this machine only.
func (c *Config) BaseURL(listening string) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "http://" + listening
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// publicURL checks the public address and returns it without slashes at its end.
func (l *loader) publicURL(s *setting[nonEmpty]) string {
	address := string(s.value)
	if reason := badPublicURL(address); address != "" && reason != "" {
		l.bad(finding.InvalidValue, s.node, "%s %s; write it as https://chat.example.com", s.node.quote(), reason)
		return address
	}
	return strings.TrimRight(address, "/")
}

// badPublicURL returns the reason why an address cannot be the beginning of links, or "" if it can.
func badPublicURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "":
		return "is not a web address"
	case u.Scheme != "http" && u.Scheme != "https":
		return "does not begin with http:// or https://"
	case u.Hostname() == "":
		return "has no host"
	case u.User != nil:
		return "contains a user name"
	case strings.ContainsAny(s, "?#"):
		return "has a query or fragment"
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); (u.Port() != "" || strings.HasSuffix(u.Host, ":")) &&
		(err != nil || port == 0) {
		return "has an invalid port"
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsUnspecified() {
		return "has a host that cannot be called"
	}
	if path := strings.TrimRight(u.EscapedPath(), "/"); path != "" && !validPrefix(path) {
		return "has a path with an empty segment, a segment of dots, or a character other than letters, digits, and ._~-"
	}
	return ""
}
