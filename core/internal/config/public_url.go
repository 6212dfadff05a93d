package config

import (
	"net"
	"net/netip"
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
