// Package text cuts text to sizes in bytes without breaking a character.
package text

import (
	"unicode/utf8"
)

// Clip returns the longest prefix of s that has at most limit bytes and ends between characters. Bytes that are not
// valid UTF-8 count as characters of one byte.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	limit = max(limit, 0)
	for start := limit - 1; start >= max(limit-utf8.UTFMax+1, 0); start-- {
		if !utf8.RuneStart(s[start]) {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[start:]); start+size > limit {
			return s[:start]
		}
		break
	}
	return s[:limit]
}

// Abbreviate returns s, or if s has more than limit bytes, its Clip with "…" appended.
func Abbreviate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return Clip(s, limit) + "…"
}

// Split divides s into pieces of at most limit bytes, each as long as possible, none empty. A limit below
// [utf8.UTFMax] counts as utf8.UTFMax, so that every character fits.
func Split(s string, limit int) []string {
	limit = max(limit, utf8.UTFMax)
	pieces := make([]string, 0, (len(s)+limit-1)/limit)
	for s != "" {
		piece := Clip(s, limit)
		pieces = append(pieces, piece)
		s = s[len(piece):]
	}
	return pieces
}
