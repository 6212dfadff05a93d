package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckAddresses(t *testing.T) {
	const key, allow = "      api_key: ${env:SECRET}\n", "    allow: [10.0.0.0/8, 127.0.0.1/32]\n"
	const (
		private = "m.yaml:8:17: channels.faq.settings.base_url: %s is not a public address, and the channel may not " +
			"call it; add its network to the channel's `allow` (did you mean \"allow: [%s]\"?) [private-address]"
		cleartext = "m.yaml:8:17: channels.faq.settings.base_url: credentials travel unencrypted to %s; use https:// " +
			"[cleartext-credentials]"
	)
	for _, tc := range []struct{ url, more, want string }{
		{"https://api.example.com", key, ""},
		{"http://api.example.com", "", ""},
		{"http://api.example.com", key, fmt.Sprintf(cleartext, "api.example.com")},
		{"http://8.8.8.8", key, fmt.Sprintf(cleartext, "8.8.8.8")},
		{"https://10.1.2.3:8443/x", key, fmt.Sprintf(private, "10.1.2.3", "10.1.2.3/32")},
		{"http://localhost:8080", "", fmt.Sprintf(private, "localhost", "127.0.0.1/32")},
		{"https://[::1]", "", fmt.Sprintf(private, "::1", "::1/128")},
		{"http://10.1.2.3", key + allow, ""}, // a private network needs no encryption
		{"http://localhost", key + allow, ""},
		{"https://192.168.1.1", allow, fmt.Sprintf(private, "192.168.1.1", "192.168.1.1/32")},
		{"not an address", key, ""}, // CheckSettings reports it
		{"http://10.1.2.3${env:NONE}", key, ""},
	} {
		t.Run(tc.url, func(t *testing.T) {
			c, err := Load(Options{Path: "m.yaml", Environ: testEnviron, NoSecrets: true,
				Data: []byte(settingsHead + "      base_url: \"" + tc.url + "\"\n" + tc.more)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range c.CheckAddresses("faq", []byte(testSchema)) {
				got = append(got, p.String())
			}
			if strings.Join(got, "\n") != tc.want {
				t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), tc.want)
			}
		})
	}
}
