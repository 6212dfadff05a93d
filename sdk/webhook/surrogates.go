package webhook

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf16"
)

// Lengths of an escape in a JSON string.
const (
	shortEscape   = len(`\n`)
	unicodeEscape = len(`\u0000`)
)

// replaceSurrogates returns body with `\ufffd` for each escaped half of a surrogate pair. It does not change body.
func replaceSurrogates(body []byte) []byte {
	out := body
	for i := 0; ; {
		next := bytes.IndexByte(out[i:], '\\')
		if next < 0 {
			return out
		}
		i += next
		switch r, ok := unescape(out[i:]); {
		case !ok:
			i += min(shortEscape, len(out)-i)
		case !utf16.IsSurrogate(r):
			i += unicodeEscape
		case isPair(r, out[i+unicodeEscape:]):
			i += 2 * unicodeEscape
		default:
			if &out[0] == &body[0] {
				out = bytes.Clone(body)
			}
			i += copy(out[i:], `\ufffd`)
		}
	}
}

func isPair(high rune, rest []byte) bool {
	low, ok := unescape(rest)
	return ok && utf16.DecodeRune(high, low) != unicode.ReplacementChar
}

// unescape returns the code unit of an escape like \u0000 at the start of b.
func unescape(b []byte) (rune, bool) {
	if len(b) < unicodeEscape || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	r, err := strconv.ParseUint(string(b[2:unicodeEscape]), 16, 16)
	return rune(r), err == nil
}
