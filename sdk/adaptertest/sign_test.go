package adaptertest

import (
	"strings"
	"testing"
	"time"
)

// The signatures are those that `openssl dgst -sha256 -hmac secret` and `-binary | base64` print.
func TestHMACOfTheBody(t *testing.T) {
	for _, tc := range []struct{ name, encoding, want string }{
		{"hexadecimal digits", "", "v1=24a6bb433c57b76e4897fcc780513858f4cad3961c8b47e8934f66a7b8f5e39e"},
		{"named", "hex", "v1=24a6bb433c57b76e4897fcc780513858f4cad3961c8b47e8934f66a7b8f5e39e"},
		{"base64", "base64", "v1=JKa7QzxXt25Il/zHgFE4WPTK05Yci0fok09mp7j1454="},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &signing{Scheme: schemeHMAC, Secret: "secret", Header: "X-Signature", Prefix: "v1=", Encoding: tc.encoding}
			if err := s.prepare(); err != nil {
				t.Fatal(err)
			}
			in := &inbound{name: "hello", header: []field{{"X-Signature", "old"}}, body: []byte(`{"id":"m1"}`)}
			p, err := s.prove(t.Context(), in, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			got := p.of(in)
			if v := httpHeader(got.header).Values("X-Signature"); len(v) != 1 || v[0] != tc.want || !got.signed {
				t.Errorf("signature %q, want %q", v, tc.want)
			}
		})
	}
}

func TestSigningThatIsIncomplete(t *testing.T) {
	for _, tc := range []struct {
		name string
		sign signing
		want string
	}{
		{"unknown scheme", signing{Scheme: "md5"}, "write standard-webhooks or hmac-sha256, or a command"},
		{"a scheme and a command", signing{Scheme: schemeHMAC, Command: []string{"./sign"}}, "the command alone says how"},
		{"a short window", signing{Command: []string{"./sign"}, Window: time.Second}, "window 1s is too short"},
		{"no secret", signing{Scheme: schemeHMAC, Header: "X-Signature"}, "the secret is empty"},
		{"no header", signing{Scheme: schemeHMAC, Secret: "s"}, "header is missing"},
		{"unknown encoding", signing{Scheme: schemeHMAC, Secret: "s", Header: "X-Signature", Encoding: "base32"}, "write hex or base64"},
		{"a header too many", signing{Scheme: schemeStandard, Secret: "whsec_c2VjcmV0", Header: "X-Signature"}, "leave out header"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.sign.prepare(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}
