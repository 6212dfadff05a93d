package config

import (
	"slices"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// inside returns the place of a character inside a scalar, counted from 1 in its value, whatever the scalar's style. It
// is the scalar's own place if the character can't be found.
func (t *tree) inside(path []string, line, column int) Position {
	n, _, whole := t.find(path)
	start := t.at(path...)
	if !whole || n.kind != scalar || line == 0 || n.line > len(t.lines) {
		return start
	}
	value, before := []rune(n.text), 0
	for range line - 1 {
		before += slices.Index(value[before:], '\n') + 1
	}
	before = min(before+column-1, len(value))
	s := newScan(t.lines, n)
	for _, r := range value[:before] {
		if !s.take(r) {
			return start
		}
	}
	if before < len(value) && !unicode.IsSpace(value[before]) {
		s.skip()
	}
	start.Line, start.Column = s.line+1, s.column+1
	return start
}

// scan walks through the source of a scalar in step with its value. It counts lines and columns from 0.
type scan struct {
	lines        []string
	line, column int
	source       []rune // the line
	quote        rune   // 0 if there is none
}

func newScan(lines []string, n *node) *scan {
	s := &scan{lines: lines}
	if n.yaml.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		s.enter(n.line) // a block begins below its head
		return s
	}
	s.enter(n.line - 1)
	s.column = n.column - 1
	quoted := n.yaml.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	if r := s.here(); quoted && (r == '"' || r == '\'') {
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

// here returns the character of the source, 0 at the end of a line.
func (s *scan) here() rune {
	if s.column < len(s.source) {
		return s.source[s.column]
	}
	return 0
}

// skip goes on to what is no blank, over ends of lines, which a fold makes a blank of.
func (s *scan) skip() {
	for s.line < len(s.lines) {
		switch r := s.here(); {
		case s.column >= len(s.source), s.quote == '"' && r == '\\' && s.column+1 == len(s.source):
			s.enter(s.line + 1)
		case unicode.IsSpace(r):
			s.column++
		default:
			return
		}
	}
}

// take goes over what stands for the next character of the value; false if the source has something else.
func (s *scan) take(r rune) bool {
	blank := unicode.IsSpace(r)
	if !blank {
		s.skip()
	}
	here := s.here()
	switch {
	case here == 0: // a fold, or the end of what is there
	case here == r, s.quote == '"' && here == '\\':
		s.column = min(s.column+width(s.source[s.column:], s.quote), len(s.source))
		return true
	}
	return blank // of a fold
}

// width returns how many characters of the source stand for the next character of the value.
func width(r []rune, quote rune) int {
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
