package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// positionInside returns the position in the file of one character of a scalar's value. The parameters line and column
// are the position of the character in the value and count from 1. If the character cannot be found, it returns the
// position of the scalar.
func (s *source) positionInside(n *node, line, column int) Position {
	if n.kind != scalar || line == 0 || n.yaml == nil || n.at.Line > len(s.lines) {
		return n.place()
	}
	value, before := []rune(n.text), 0
	for range line - 1 {
		before += slices.Index(value[before:], '\n') + 1
	}
	before = min(before+column-1, len(value))
	at := newScan(s.lines, n)
	for _, r := range value[:before] {
		if !at.take(r) {
			return n.at
		}
	}
	if before < len(value) && !unicode.IsSpace(value[before]) {
		at.skip()
	}
	return Position{n.at.File, at.line + 1, at.column + 1}
}

// scan finds the characters of a scalar's value in its source. It counts lines and columns from 0.
type scan struct {
	lines        []string
	line, column int
	source       []rune // the current line
	quote        rune   // around the value; 0 if there is none
}

func newScan(lines []string, n *node) *scan {
	s := &scan{lines: lines}
	if n.yaml.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		s.enter(n.at.Line) // a block begins below its indicator
		return s
	}
	s.enter(n.at.Line - 1)
	s.column = n.at.Column - 1
	quoted := n.yaml.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	if r := s.current(); quoted && (r == '"' || r == '\'') {
		s.quote = r
		s.column++
	}
	return s
}

func (s *scan) enter(line int) {
	s.line, s.column, s.source = line, 0, nil
	if line < len(s.lines) {
		s.source = []rune(s.lines[line])
	}
}

// current returns the current character of the source, or 0 at the end of a line.
func (s *scan) current() rune {
	if s.column < len(s.source) {
		return s.source[s.column]
	}
	return 0
}

// skip advances to the next character that is not white space. It also skips line ends, because YAML folds them into
// spaces.
func (s *scan) skip() {
	for s.line < len(s.lines) {
		switch r := s.current(); {
		case s.column >= len(s.source), s.quote == '"' && r == '\\' && s.column+1 == len(s.source):
			s.enter(s.line + 1)
		case unicode.IsSpace(r):
			s.column++
		default:
			return
		}
	}
}

// take advances over the source of the next character of the value. It returns false if the source does not match.
func (s *scan) take(r rune) bool {
	space := unicode.IsSpace(r)
	if !space {
		s.skip()
	}
	here := s.current()
	switch {
	case here == 0: // the end of a line or of the source
	case here == r, s.quote == '"' && here == '\\':
		s.column = min(s.column+sourceWidth(s.source[s.column:], s.quote), len(s.source))
		return true
	}
	return space // YAML folds a line end into a space
}

// sourceWidth returns the length of the next character of the value in the source.
func sourceWidth(r []rune, quote rune) int {
	switch {
	case quote == '\'' && r[0] == '\'':
		return 2
	case quote == '"' && r[0] == '\\' && len(r) > 1:
		switch r[1] {
		case 'x':
			return 4
		case 'u':
			return 6
		case 'U':
			return 10
		}
		return 2
	}
	return 1
}

// splitLines returns the lines of a file without their ends. Invalid UTF-8 counts as one character.
func splitLines(data []byte) []string {
	s := string(data)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}
