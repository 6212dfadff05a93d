package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 4, "long"},
		{"", 0, ""},
		{"x", 0, ""},
		{"x", -1, ""},
		{"aé", 2, "a"},
		{"aé", 3, "aé"},
		{"世界", 5, "世"},
		{"世界", 2, ""},
		{"a😀b", 4, "a"},
		{"a😀b", 5, "a😀"},
		{"\xff\xff\xff", 2, "\xff\xff"},
		{"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80"},
		{"ab\xe4\xb8", 3, "ab\xe4"},
	} {
		if got := Clip(tc.text, tc.limit); got != tc.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tc.text, tc.limit, got, tc.want)
		}
	}
}

func TestAbbreviateMarksWhatItCuts(t *testing.T) {
	if got := Abbreviate("exact", 5); got != "exact" {
		t.Errorf("text that fits became %q", got)
	}
	if got := Abbreviate("世界平和", 7); got != "世界…" {
		t.Errorf("long text became %q", got)
	}
}

func TestSplit(t *testing.T) {
	if got := Split("", 10); len(got) != 0 {
		t.Errorf("no text gave %q", got)
	}
	if got := strings.Join(Split("äöü😀x", 5), "|"); got != "äö|ü|😀x" {
		t.Errorf("split into %q", got)
	}
	if got := Split("世界", 1); len(got) != 2 {
		t.Errorf("a limit below one character gave %q", got)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("Grüße, 世界 😀", 7)
	f.Add("\xe4\xb8\xff\x80\x80\x80\x80\x80", 4)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		pieces := Split(s, limit)
		if strings.Join(pieces, "") != s {
			t.Fatalf("pieces %q do not make %q", pieces, s)
		}
		for _, p := range pieces {
			if p == "" || len(p) > max(limit, utf8.UTFMax) {
				t.Fatalf("piece %q with limit %d", p, limit)
			}
			if utf8.ValidString(s) && !utf8.ValidString(p) {
				t.Fatalf("piece %q breaks a character", p)
			}
		}
	})
}
