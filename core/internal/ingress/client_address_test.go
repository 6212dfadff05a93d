package ingress

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func TestClientAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		peer      string
		forwarded []string
		want      string
		network   string
	}{
		"no proxy":               {"203.0.113.7:80", nil, "203.0.113.7:80", "203.0.113.7/32"},
		"untrusted peer":         {"203.0.113.7:80", []string{"198.51.100.1"}, "203.0.113.7:80", "203.0.113.7/32"},
		"proxy":                  {"10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1", "198.51.100.1/32"},
		"forged first address":   {"10.0.0.1:80", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1", "198.51.100.1/32"},
		"two proxies":            {"10.0.0.1:80", []string{"1.2.3.4", "198.51.100.1, 10.0.0.2"}, "198.51.100.1", "198.51.100.1/32"},
		"proxies only":           {"10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3/32"},
		"malformed":              {"10.0.0.1:80", []string{"unknown"}, "10.0.0.1:80", "10.0.0.1/32"},
		"IPv6":                   {"10.0.0.1:80", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
		"IPv4 in IPv6":           {"[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1", "198.51.100.1/32"},
		"link-local with a zone": {"[fe80::1%eth0]:80", nil, "[fe80::1%eth0]:80", "fe80::/64"},
		"unknown":                {"pipe", nil, "pipe", "0.0.0.0/32"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			o := f.options()
			o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			h := newHandler(t, o)
			r := request("POST", "/x/hooks/7", "{}")
			r.RemoteAddr = tc.peer
			for _, v := range tc.forwarded {
				r.Header.Add("X-Forwarded-For", v)
			}
			serve(h, r)
			if got := f.calls[0].GetRemote(); got != tc.want {
				t.Errorf("remote %q, want %q", got, tc.want)
			}
			if got := network(h.clientAddress(r)).String(); got != tc.network {
				t.Errorf("network %s, want %s", got, tc.network)
			}
		})
	}
}

func TestPossibleProxyOverTheLimitIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := loggedHandler(t, &fake{receive: requireToken(t)})
		warned := func() int { return strings.Count(log.String(), `"address":"203.0.113.7"`) }
		overLimit := func(forwarded string) {
			for range failureBurst + 10 {
				r := guessRequest("203.0.113.7:80", "/x/hooks/7", "wrong")
				if forwarded != "" {
					r.Header.Set("X-Forwarded-For", forwarded)
				}
				serve(h, r)
			}
			synctest.Wait()
		}
		overLimit("")
		if n := warned(); n != 0 {
			t.Errorf("%d warnings of an address without X-Forwarded-For", n)
		}
		for i := range 2 {
			overLimit("198.51.100.1")
			if n := warned(); n != i+1 {
				t.Errorf("%d warnings in hour %d", n, i+1)
			}
			time.Sleep(time.Hour)
		}
		h.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
		overLimit("198.51.100.1")
		if n := warned(); n != 2 {
			t.Errorf("%d warnings, want none of a trusted proxy", n)
		}
	})
}

func TestUnconfiguredProxyIsLoggedOnce(t *testing.T) {
	h, log := loggedHandler(t, &fake{})
	for _, peer := range []string{"203.0.113.7:80", "127.0.0.1:80", "10.0.0.1:80"} {
		r := request("POST", "/x/hooks/7", "{}")
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		serve(h, r)
	}
	var proxies []string
	for _, l := range logLines(t, log) {
		proxies = append(proxies, l["proxy"].(string))
	}
	if diff := cmp.Diff([]string{"127.0.0.1"}, proxies); diff != "" {
		t.Errorf("logged proxies (-want +got):\n%s", diff)
	}
}
