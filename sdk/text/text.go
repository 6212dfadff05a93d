// Package text cuts and cleans texts. It measures them in bytes, and cuts between the characters that people see:
// extended grapheme clusters (Unicode Standard Annex 29), such as a letter with its accents or a family of emoji.
package text

import (
	"unicode/utf8"
)

// Clip returns the longest prefix of s that has at most limit bytes and ends between clusters. If the first cluster is
// longer than limit, the prefix ends between code points. Bytes that are not valid UTF-8 count as code points of one
// byte.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	switch {
	case limit <= 0:
		return ""
	case s[limit-1] < utf8.RuneSelf && s[limit] < utf8.RuneSelf && s[limit-1:limit+1] != "\r\n":
		return s[:limit]
	}
	if end, _ := lastBoundaries(s, max(limit-maxClusterBytes, 0), limit); end > 0 {
		return s[:end]
	}
	return s[:codePointStart(s, limit)]
}

// Abbreviate returns s, or if s has more than limit bytes, its Clip with "…" appended.
func Abbreviate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return Clip(s, limit) + "…"
}

// Split divides s into pieces of at most limit bytes, each as long as possible, none empty. A limit below
// [utf8.UTFMax] counts as utf8.UTFMax, so that every code point fits.
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

// CutPoint returns the best position to divide s, with low < position <= at: the last position after white space,
// otherwise the last position between clusters. If a longer cluster covers this range, it returns the last position
// between code points, which may be up to three bytes below at.
func CutPoint(s string, low, at int) int {
	switch end, afterSpace := lastBoundaries(s, low, at); {
	case afterSpace > 0:
		return afterSpace
	case end > 0:
		return end
	}
	return codePointStart(s, at)
}
