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
		{name: "wildcard", url: "http://0.0.0.0:8080", problem: "has a host that cannot be called"},
		{name: "user", url: "https://me:secret@chat.example.com", problem: "contains a user name"},
		{name: "query", url: "https://chat.example.com?a=b", problem: "has a query"},
		{name: "empty query", url: "https://chat.example.com?", problem: "has a query"},
		{name: "fragment", url: `"https://chat.example.com#a"`, problem: "has a query or fragment"},
		{name: "port out of range", url: "https://chat.example.com:99999", problem: "has an invalid port"},
		{name: "port zero", url: "https://chat.example.com:0", problem: "has an invalid port"},
		{name: "empty port", url: `"https://chat.example.com:"`, problem: "has an invalid port"},
		{name: "path upwards", url: "https://chat.example.com/a/../b", problem: "has a path with"},
		{name: "path with an escape", url: "https://chat.example.com/%2e%2e", problem: "has a path with"},
		{name: "space", url: "https://chat.example.com/a b", problem: "has a path with"},
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
