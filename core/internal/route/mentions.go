package route

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// phrase is one entry of a mentions list, prepared for the search in folded text.
//
// Case does not count, by Unicode's simple folding. Full-width forms of ASCII count as ASCII, and a run of white space
// as one space. If a phrase begins or ends with a letter or digit, it must begin or end at the edge of a word: "agent"
// is not found in "reagent" or "agents". Letters of scripts without spaces (Chinese, Japanese, Thai, …) and of Korean,
// which joins particles to words, count as edges: "人工" is found in "转人工客服", and "agent" in "转agent吧".
type phrase struct {
	folded     string
	start, end bool // this end of the phrase must be the edge of a word
}

func newPhrase(s string) phrase {
	f := strings.TrimSpace(fold(s))
	first, _ := utf8.DecodeRuneInString(f)
	last, _ := utf8.DecodeLastRuneInString(f)
	return phrase{folded: f, start: hasEdge(first), end: hasEdge(last)}
}

// occursIn reports whether the phrase occurs in folded text.
func (p phrase) occursIn(text string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], p.folded)
		if i < 0 {
			return false
		}
		i += from
		if p.atWordEdges(text, i) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		from = i + size
	}
}

func (p phrase) atWordEdges(text string, i int) bool {
	if p.start && i > 0 {
		if r, _ := utf8.DecodeLastRuneInString(text[:i]); hasEdge(r) {
			return false
		}
	}
	if end := i + len(p.folded); p.end && end < len(text) {
		if r, _ := utf8.DecodeRuneInString(text[end:]); hasEdge(r) {
			return false
		}
	}
	return true
}

// fold returns the form of a text in which phrases are searched.
func fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false // the text so far ends with white space
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		case r < utf8.RuneSelf:
			b.WriteByte(lowerASCII(byte(r)))
		default:
			b.WriteRune(foldRune(r))
		}
		space = false
	}
	return b.String()
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func foldRune(r rune) rune {
	if r >= 0xFF01 && r <= 0xFF5E {
		r -= 0xFEE0
	}
	if r < utf8.RuneSelf {
		return rune(lowerASCII(byte(r)))
	}
	// The smallest rune of the folding orbit represents all its runes.
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least < utf8.RuneSelf {
		return rune(lowerASCII(byte(least)))
	}
	return least
}

// edgeless are the scripts in which words have no visible edge.
var edgeless = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi, unicode.Hangul,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

func hasEdge(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) && !unicode.In(r, edgeless...)
}
