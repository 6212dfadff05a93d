package config

import (
	"strings"
	"testing"
)

const minimal = `
adapters: {native: {command: bin/native}}
channels: {faq: {adapter: native, role: bot}}
`

func TestPublicURL(t *testing.T) {
	for _, tc := range []struct {
		name, url string
		want      string // the beginning of links
		problem   string // part of the error
	}{
		{name: "host", url: "https://chat.example.com", want: "https://chat.example.com"},
		{name: "port", url: "http://chat.example.com:8443", want: "http://chat.example.com:8443"},
		{name: "IPv6", url: "http://[2001:db8::1]:8443", want: "http://[2001:db8::1]:8443"},
		{name: "slash at the end", url: "https://chat.example.com/", want: "https://chat.example.com"},
		{name: "path", url: "https://example.com/chat/a", want: "https://example.com/chat/a"},
		{name: "path with slashes at the end", url: "https://example.com/chat//", want: "https://example.com/chat"},
		{name: "reference", url: "${env:CHAT_URL}", want: "https://from.example.com"},

		{name: "empty", url: `""`, problem: "is empty"},
		{name: "no scheme", url: "chat.example.com", problem: "does not begin with http"},
		{name: "host and port", url: "chat.example.com:443", problem: "is not a web address"},
		{name: "other scheme", url: "ftp://chat.example.com", problem: "does not begin with http"},
		{name: "no host", url: "https:///chat", problem: "has no host"},
		{name: "wildcard", url: "http://0.0.0.0:8080", problem: "has a host that can't be called"},
		{name: "user", url: "https://me:secret@chat.example.com", problem: "contains a user name"},
		{name: "query", url: "https://chat.example.com?a=b", problem: "has a query"},
		{name: "empty query", url: "https://chat.example.com?", problem: "has a query"},
		{name: "fragment", url: `"https://chat.example.com#a"`, problem: "has a query or fragment"},
		{name: "port out of range", url: "https://chat.example.com:99999", problem: "has an invalid port"},
		{name: "port zero", url: "https://chat.example.com:0", problem: "has an invalid port"},
		{name: "empty port", url: `"https://chat.example.com:"`, problem: "has an invalid port"},
		{name: "path upwards", url: "https://chat.example.com/a/../b", problem: "has a path that"},
		{name: "path with an escape", url: "https://chat.example.com/%2e%2e", problem: "has a path that"},
		{name: "space", url: "https://chat.example.com/a b", problem: "has a path that"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Load(Options{Path: "testdata/memory.yaml", Data: []byte("public_url: " + tc.url + minimal),
				Environ: []string{"CHAT_URL=https://from.example.com"}})
			if tc.problem != "" {
				if err == nil || !strings.Contains(err.Error(), ":1:13: public_url: ") || !strings.Contains(err.Error(), tc.problem) {
					t.Errorf("problem = %v, want one with %q", err, tc.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.BaseURL("127.0.0.1:8080"); got != tc.want {
				t.Errorf("links begin with %s, want %s", got, tc.want)
			}
		})
	}
}

func TestBaseURLWithoutPublicURL(t *testing.T) {
	c := load(t, minimal)
	for listening, want := range map[string]string{
		"127.0.0.1:8080":    "http://127.0.0.1:8080",
		"192.0.2.7:80":      "http://192.0.2.7:80",
		"chat.internal:80":  "http://chat.internal:80",
		"[2001:db8::1]:443": "http://[2001:db8::1]:443",
		":8443":             "http://127.0.0.1:8443",
		"0.0.0.0:8443":      "http://127.0.0.1:8443",
		"[::]:8443":         "http://127.0.0.1:8443",
	} {
		if got := c.BaseURL(listening); got != want {
			t.Errorf("BaseURL(%q) = %s, want %s", listening, got, want)
		}
	}
}

func TestPublicURLFromAReferenceIsNotShown(t *testing.T) {
	_, err := Load(Options{Path: "testdata/memory.yaml", Data: []byte("public_url: ${env:CHAT_URL}" + minimal),
		Environ: []string{"CHAT_URL=ftp://" + canary}})
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "the value of ${env:CHAT_URL}") {
		t.Errorf("problem = %v", err)
	}
}

func TestMediaBounds(t *testing.T) {
	for _, tc := range []struct{ name, media, problem string }{
		{"as it is without", "{}", ""},
		{"least", "{max_size: 1KiB, total_size: 4KiB, keep: 1m}", ""},
		{"most", "{max_size: 20MiB, total_size: 1TiB, keep: 168h}", ""},
		{"small", "{max_size: 1023B}", "media.max_size: must be from 1KiB to 20MiB"},
		{"large", "{max_size: 21MiB}", "media.max_size: must be from 1KiB to 20MiB"},
		{"total for three", "{max_size: 10MiB, total_size: 30MiB}", "media.total_size: must be from 40MiB, which is 4 times media.max_size, to 1TiB"},
		{"total for three of the usual size", "{total_size: 60MiB}", "media.total_size: must be from 80MiB"},
		{"huge total", "{total_size: 2TiB}", "media.total_size: must be from 80MiB"},
		{"short", "{keep: 59s}", "media.keep: must be from 1m to 168h"},
		{"long", "{keep: 169h}", "media.keep: must be from 1m to 168h"},
		{"no size", "{max_size: lots}", `media.max_size: "lots" is not a size`},
		{"typing mistake", "{max_sice: 1MiB}", `media.max_sice: unknown key (did you mean "max_size"?)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(Options{Path: "testdata/memory.yaml", Data: []byte("media: " + tc.media + minimal), Environ: testEnviron})
			switch {
			case tc.problem == "" && err != nil:
				t.Errorf("a problem: %v", err)
			case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
				t.Errorf("problem = %v, want %q", err, tc.problem)
			}
		})
	}
}

func TestMediaFromTheEnvironment(t *testing.T) {
	c := load(t, minimal, "PATCHBAY_PUBLIC_URL=https://env.example.com", "PATCHBAY_MEDIA__MAX_SIZE=2MiB")
	if c.PublicURL != "https://env.example.com" || c.Media.MaxSize != 2<<20 {
		t.Errorf("public URL %s, max size %s", c.PublicURL, c.Media.MaxSize)
	}
}

func TestChannelsCanNotTakeThePathOfLinks(t *testing.T) {
	for path, taken := range map[string]bool{
		"/media": true, "/media/shop-a": true, "/mediation": false, "/shop-a/media": false, "/Media": false,
	} {
		_, err := Load(Options{Path: "testdata/memory.yaml", Environ: testEnviron, Data: []byte(
			"adapters: {native: {command: bin/native}}\nchannels: {faq: {adapter: native, role: bot, path: " + path + "}}\n")})
		if got := err != nil && strings.Contains(err.Error(), "channels.faq.path: is reserved for the gateway's own links"); got != taken {
			t.Errorf("%s: %v", path, err)
		}
	}
}
