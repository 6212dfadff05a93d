package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// BaseURL is where links to the public listener begin: the configured public_url or, without one, plain HTTP to the
// address that is listened on, given as host:port. An address that stands for all of the machine's becomes
// 127.0.0.1, so such links work on this machine alone.
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

// checkPublicURL checks the address under which the outside reaches the public listener. Slashes at its end go.
func (l *loader) checkPublicURL(c *Config) {
	if c.PublicURL == "" {
		return
	}
	if reason := badPublicURL(c.PublicURL); reason != "" {
		l.bad([]string{"public_url"}, "", "%s %s; write it as https://chat.example.com", l.quote(c.PublicURL, "public_url"), reason)
		return
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
}

// badPublicURL says what keeps an address from being the beginning of links, "" if nothing does.
func badPublicURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "":
		return "is no web address"
	case u.Scheme != "http" && u.Scheme != "https":
		return "does not begin with http:// or https://"
	case u.Hostname() == "":
		return "names no host"
	case u.User != nil:
		return "has a user name in it"
	case strings.ContainsAny(s, "?#"):
		return "has a query or fragment"
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); (u.Port() != "" || strings.HasSuffix(u.Host, ":")) && (err != nil || port == 0) {
		return "has a wrong port"
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsUnspecified() {
		return "names no host that can be called"
	}
	if path := strings.TrimRight(u.EscapedPath(), "/"); path != "" && !validPrefix(path) {
		return "has a path that can't be put in front of links"
	}
	return ""
}
