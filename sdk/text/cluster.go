package text

import (
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// maxClusterBytes limits the search for the start of a cluster, so that its cost does not depend on the length of the
// text. Longer clusters may be divided between code points. Those of natural languages and emoji have less than 50
// bytes.
const maxClusterBytes = 256

// lastBoundaries returns the last boundary between clusters with low < boundary <= at, and the last such boundary after
// white space. If there is no such boundary, the result is 0. If the searched bytes are not valid UTF-8, both are 0.
func lastBoundaries(s string, low, at int) (end, afterSpace int) {
	start := searchStart(s, low)
	following := codePointStart(s, at) // the code point here decides whether at is a boundary
	_, size := utf8.DecodeRuneInString(s[following:])
	window := s[start : following+size]
	if !utf8.ValidString(window) {
		return 0, 0
	}
	for clusters := graphemes.FromString(window); clusters.Next(); {
		position := start + clusters.End()
		if position > at {
			break
		}
		if position <= low {
			continue
		}
		end = position
		if strings.IndexByte(" \n\t", s[position-1]) >= 0 {
			afterSpace = position
		}
	}
	return end, afterSpace
}

// searchStart returns a position from which the boundaries above low can be found. If the position is inside a cluster,
// only the rest of that cluster may be divided wrongly.
func searchStart(s string, low int) int {
	start := codePointStart(s, max(low-maxClusterBytes, 0))
	flags := start // flags are pairs of regional indicators, counted from the first one
	for {
		r, size := utf8.DecodeLastRuneInString(s[:flags])
		if r < '\U0001F1E6' || r > '\U0001F1FF' {
			break
		}
		flags -= size
	}
	return start - (start-flags)%len("🇦🇦")
}

// codePointStart returns the start of the code point that contains the byte at a position. A byte that is not valid
// UTF-8 is a code point.
func codePointStart(s string, at int) int {
	for start := min(at, len(s)-1); start >= max(at-utf8.UTFMax+1, 0); start-- {
		if !utf8.RuneStart(s[start]) {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[start:]); start+size > at {
			return start
		}
		break
	}
	return at
}
