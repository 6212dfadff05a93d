package config

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/width"
)

// Excerpt is the line of the file that a problem is in. Values of `settings`, `env` and `args` are hidden, because they
// can be secrets; references are shown as written.
type Excerpt struct {
	Line  string // without its indentation; "" if the problem has no line in the file
	Caret int    // column of the problem in Line, from 1, in characters
}

const (
	hiddenValue = "***"
	maxExcerpt  = 100 // characters
)

// Marker returns white space and a caret. In a line below Line, the caret is under the position of the problem. A
// character of double width needs two spaces.
func (e Excerpt) Marker() string {
	var b strings.Builder
	for i, r := range []rune(e.Line) {
		if i >= e.Caret-1 {
			break
		}
		switch {
		case r == '\t':
			b.WriteRune(r)
		case isWide(r):
			b.WriteString("  ")
		case !unicode.Is(unicode.Mn, r):
			b.WriteRune(' ')
		}
	}
	return b.String() + "^"
}

// isWide reports whether terminals show a character with double width.
func isWide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}

// source is the text of the file.
type source struct {
	file   string
	lines  []string
	root   *node                       // nil if the file is not YAML
	hidden func() map[int][]hiddenSpan // by line, from 0
}

// hiddenSpan is a part of a line that is not shown. Columns count from 0.
type hiddenSpan struct {
	from, to int
	shown    string // instead of the part
}

func newSource(file string, lines []string, root *node) *source {
	s := &source{file: file, lines: lines, root: root}
	s.hidden = sync.OnceValue(s.findHidden)
	return s
}

// addExcerpts adds the excerpts of problems.
func (s *source) addExcerpts(list []Problem) []Problem {
	for i := range list {
		list[i] = s.addExcerpt(list[i])
	}
	return list
}

// addExcerpt adds the excerpt of a problem, if the problem is in a line of this file.
func (s *source) addExcerpt(p Problem) Problem {
	if s == nil || p.File != s.file || p.Line < 1 || p.Line > len(s.lines) || p.Column < 1 {
		return p
	}
	line, caret := []rune(s.lines[p.Line-1]), p.Column-1
	var parts []hiddenSpan
	if s.root == nil {
		line = s.hideUnparsed(p.Line-1, line)
	} else {
		parts = s.hidden()[p.Line-1]
	}
	var out []rune
	at, place := 0, min(caret, len(line))
	for _, h := range parts {
		if h.from < at || h.to > len(line) {
			continue
		}
		out = append(append(out, line[at:h.from]...), []rune(h.shown)...)
		switch shift := len(out) - h.to; {
		case caret >= h.to:
			place = caret + shift
		case caret >= h.from:
			place = len(out) - len([]rune(h.shown))
		}
		at = h.to
	}
	out = append(out, line[at:]...)
	p.Excerpt = excerptAround(out, min(place, len(out)))
	return p
}

// excerptAround removes the indentation of a line, and the text that is too far from the caret.
func excerptAround(line []rune, caret int) Excerpt {
	start := 0
	for start < min(caret, len(line)) && unicode.IsSpace(line[start]) {
		start++
	}
	line, caret = line[start:], caret-start
	if cut := caret - maxExcerpt*2/3; cut > 0 && len(line) > maxExcerpt {
		line = append([]rune("…"), line[cut:]...)
		caret -= cut - 1
	}
	if len(line) > maxExcerpt {
		line = append(slices.Clone(line[:maxExcerpt-1]), '…')
	}
	return Excerpt{Line: strings.TrimRightFunc(string(line), unicode.IsSpace), Caret: caret + 1}
}

// isConfidential reports whether values below a node can be secrets.
func (n *node) isConfidential() bool {
	form := n.parent.form()
	return form == "channels.*" && n.name == "settings" || form == "adapters.*" && (n.name == "env" || n.name == "args")
}

func (s *source) findHidden() map[int][]hiddenSpan {
	out := map[int][]hiddenSpan{}
	var visit func(n *node, confidential bool)
	visit = func(n *node, confidential bool) {
		confidential = confidential || n.parent != nil && n.parent.parent != nil && n.isConfidential()
		if confidential && n.kind == scalar && n.yaml != nil && !n.isDefault {
			s.hide(out, n)
		}
		for _, child := range n.children {
			visit(child, confidential)
		}
	}
	visit(s.root, false)
	for _, list := range out {
		slices.SortFunc(list, func(a, b hiddenSpan) int { return a.from - b.from })
	}
	return out
}

// endOf returns a scan at the end of a value in the file, behind a closing quote. If the text of the value does not
// match the source, it returns a scan at the end of the value's first line, and false.
func (s *source) endOf(n *node) (*scan, bool) {
	scan, ok := newScan(s.lines, n), true
	for _, r := range n.text {
		if ok = scan.take(r); !ok {
			scan.enter(n.at.Line - 1)
			scan.column = len(scan.source)
			break
		}
	}
	if scan.quote != 0 {
		scan.column++
	}
	return scan, ok
}

// hide adds the spans of a value to out. An alias hides the value at its anchor.
func (s *source) hide(out map[int][]hiddenSpan, n *node) {
	value := *n
	value.at = Position{s.file, n.yaml.Line, n.yaml.Column}
	if value.at.Line < 1 || value.at.Line > len(s.lines) {
		return
	}
	begin := newScan(s.lines, &value)
	from, first := begin.column, begin.line
	if begin.quote != 0 {
		from--
	}
	scan, _ := s.endOf(&value)
	block := n.yaml.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	for line := first; line <= scan.line && line < len(s.lines); line++ {
		h := hiddenSpan{from: 0, to: len([]rune(s.lines[line])), shown: hiddenValue}
		if line == first && !block {
			h.from = from
		}
		if line == scan.line && !block {
			h.to = min(scan.column, h.to)
		}
		if n.resolved.secret && line == first && line == scan.line {
			h.shown = n.resolved.shown
		}
		if h.to > h.from {
			out[line] = append(out[line], h)
		}
	}
}

var confidentialKey = regexp.MustCompile(`(^|[\s{,-])(settings|env|args):(\s|$)`)

// hideUnparsed hides the values of a line in a file that is not YAML, if the line is below `settings`, `env` or `args`
// by its indentation.
func (s *source) hideUnparsed(at int, line []rune) []rune {
	below := indentation(line) + 1
	confidential := false
	for i := at; i >= 0 && below > 0 && !confidential; i-- {
		above := []rune(s.lines[i])
		if strings.TrimSpace(s.lines[i]) == "" || indentation(above) >= below {
			continue
		}
		below = indentation(above)
		confidential = confidentialKey.MatchString(s.lines[i])
	}
	if !confidential {
		return line
	}
	out := slices.Clone(line)
	for i := max(slices.Index(out, ':'), 0); i < len(out); i++ {
		if unicode.IsLetter(out[i]) || unicode.IsDigit(out[i]) {
			out[i] = '*'
		}
	}
	return out
}

func indentation(line []rune) int {
	return max(slices.IndexFunc(line, func(r rune) bool { return !unicode.IsSpace(r) }), 0)
}
