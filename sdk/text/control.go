package text

import (
	"strings"
	"unicode"
)

// WithoutControls returns s without control characters. It keeps tabs, line feeds and carriage returns. Other line
// breaks, like the vertical tab of word processors, become line feeds.
func WithoutControls(s string) string {
	if strings.IndexFunc(s, isUnwantedControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case !isUnwantedControl(r):
			return r
		case r == '\v' || r == '\f' || r == '\u0085':
			return '\n'
		}
		return -1
	}, s)
}

func isUnwantedControl(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}

// FirstLine returns s up to its first line feed.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// OneLine returns s with a space for each control character.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// IsBlank reports whether s has only white space, control characters and invisible characters such as zero-width
// spaces.
func IsBlank(s string) bool { return strings.IndexFunc(s, isVisible) < 0 }

// brailleBlank is the only invisible character that Unicode does not classify as white space or ignorable.
const brailleBlank = '\u2800'

func isVisible(r rune) bool {
	if r > ' ' && r < 0x7f {
		return true
	}
	if unicode.In(r, unicode.Prepended_Concatenation_Mark) {
		return true // a sign of category Cf that encloses digits
	}
	return r != brailleBlank && !unicode.IsSpace(r) && !unicode.In(r, unicode.Cc, unicode.Cf,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
