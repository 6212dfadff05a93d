package text

import "testing"

func TestWithoutControls(t *testing.T) {
	for s, want := range map[string]string{
		"plain\ttext\r\n":         "plain\ttext\r\n",
		"a\x00b\x1b[1m\x7f\u009b": "ab[1m",
		"one\vtwo\fthree\u0085":   "one\ntwo\nthree\n",
		"zero\u200dwidth":         "zero\u200dwidth",
	} {
		if got := WithoutControls(s); got != want {
			t.Errorf("WithoutControls(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	if got := OneLine("a\nb\x00c\td é"); got != "a b c d é" {
		t.Errorf("got %q", got)
	}
}

func TestFirstLine(t *testing.T) {
	for in, want := range map[string]string{"": "", "one": "one", "one\ntwo\nthree": "one", "\ntwo": ""} {
		if got := FirstLine(in); got != want {
			t.Errorf("FirstLine(%q) = %q", in, got)
		}
	}
}

func TestIsBlank(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, " \t\r\n": true, "\u00a0\u3000\u2003": true, "\u200b\u200c\u200d\u2060\ufeff": true, "\u00ad": true,
		"\u3164\u115f\uffa0": true, "\ufe0f\u034f": true, "\u2800": true, "\x00\x01": true, "\u202e\u2066": true,
		"a": false, " . ": false, "\u200bx": false, "客": false, "\u0301": false, "\u0600": false, "\U0001f642": false, "\ufffd": false,
	} {
		if got := IsBlank(s); got != want {
			t.Errorf("IsBlank(%+q) = %v", s, got)
		}
	}
}
