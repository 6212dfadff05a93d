package config

import (
	"strings"
	"testing"
)

func TestMediaBounds(t *testing.T) {
	for _, tc := range []struct{ name, media, problem string }{
		{"nothing given", "{}", ""},
		{"least", "{max_size: 1KiB, total_size: 4KiB, keep: 1m}", ""},
		{"most", "{max_size: 20MiB, total_size: 1TiB, keep: 168h}", ""},
		{"small", "{max_size: 1023B}", "media.max_size: must be from 1KiB to 20MiB"},
		{"large", "{max_size: 21MiB}", "media.max_size: must be from 1KiB to 20MiB"},
		{"total for three", "{max_size: 10MiB, total_size: 30MiB}", "media.total_size: must be from 40MiB, which is 4 times media.max_size, to 1TiB"},
		{"total for three of the default size", "{total_size: 60MiB}", "media.total_size: must be from 80MiB"},
		{"huge total", "{total_size: 2TiB}", "media.total_size: must be from 80MiB"},
		{"short", "{keep: 59s}", "media.keep: must be from 1m to 168h"},
		{"long", "{keep: 169h}", "media.keep: must be from 1m to 168h"},
		{"not a size", "{max_size: lots}", `media.max_size: "lots" is not a size`},
		{"typing mistake", "{max_sice: 1MiB}", `media.max_sice: unknown key (did you mean "max_size"?)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(Options{Path: "testdata/memory.yaml", Data: []byte("media: " + tc.media + minimal), Environ: testEnviron})
			switch {
			case tc.problem == "" && err != nil:
				t.Errorf("problem = %v, want none", err)
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

func TestPathOfLinksIsReserved(t *testing.T) {
	for path, reserved := range map[string]bool{
		"/media": true, "/media/shop-a": true, "/mediation": false, "/shop-a/media": false, "/Media": false,
	} {
		_, err := Load(Options{Path: "testdata/memory.yaml", Environ: testEnviron, Data: []byte(
			"adapters: {native: {command: bin/native}}\nchannels: {faq: {adapter: native, role: bot, path: " + path + "}}\n")})
		if got := err != nil && strings.Contains(err.Error(), "channels.faq.path: is reserved for the gateway's own links"); got != reserved {
			t.Errorf("%s: %v", path, err)
		}
	}
}
