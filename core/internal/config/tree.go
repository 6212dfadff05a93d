package config

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// tree knows the place of every setting.
type tree struct {
	file  string
	root  *node
	lines []string            // of the file
	env   map[string]Position // settings that come from the environment, by path
	// values are the texts of the channels' settings with references resolved.
	values map[*node]resolved
}

// name returns the file's name, also of no tree.
func (t *tree) name() string {
	if t == nil {
		return "nothing"
	}
	return t.file
}

// find walks down a path. It returns the deepest node that is there, the key that leads to it, and whether
// that is the whole path.
func (t *tree) find(path []string) (n *node, k *key, whole bool) {
	n = t.root
	for _, name := range path {
		switch {
		case n != nil && n.kind == mapping && n.key(name) != nil:
			k = n.key(name)
			n = k.value
		case n != nil && n.kind == list:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(n.items) {
				return n, k, false
			}
			n, k = n.items[i], nil
		default:
			return n, k, false
		}
	}
	return n, k, true
}

// at returns the place of a setting, or of its closest parent. The place of a mapping or list is its key.
func (t *tree) at(path ...string) Position {
	if p, ok := t.env[dotted(path)]; ok {
		return p
	}
	n, k, _ := t.find(path)
	switch {
	case n == nil:
		return Position{File: t.file}
	case k != nil && n.kind != scalar:
		return Position{t.file, k.line, k.column}
	}
	return Position{t.file, n.line, n.column}
}

// atKey returns the place of a setting's key.
func (t *tree) atKey(path ...string) Position {
	if _, k, whole := t.find(path); whole && k != nil {
		return Position{t.file, k.line, k.column}
	}
	return t.at(path...)
}

// inside returns the place of a character inside a scalar, counted from 1 in its value. In folded and
// multi-line scalars it is the right line at best.
func (t *tree) inside(path []string, line, column int) Position {
	n, _, whole := t.find(path)
	start := t.at(path...)
	if !whole || n.kind != scalar || line == 0 || n.line > len(t.lines) {
		return start
	}
	switch style := n.yaml.Style; {
	case style&yaml.LiteralStyle != 0:
		start.Line = n.line + line
		first := t.lines[min(n.line, len(t.lines)-1)] // the block's first line tells its indentation
		start.Column = len(first) - len(strings.TrimLeft(first, " ")) + column
	case style&yaml.FoldedStyle != 0:
		start.Line, start.Column = n.line+1, 1
	case line > 1:
		start.Line += line - 1
	default:
		if c, ok := columnOf(t.lines[n.line-1], n, column); ok {
			start.Column = c
		}
	}
	return start
}

// columnOf returns the column in the source line of a flow scalar's character.
func columnOf(source string, n *node, column int) (int, bool) {
	r := []rune(source)
	at := n.column - 1
	quote := rune(0)
	if at < len(r) && (r[at] == '"' || r[at] == '\'') && n.yaml.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		quote = r[at]
		at++
	}
	for range column - 1 {
		if at >= len(r) {
			return 0, false
		}
		at += width(r[at:], quote)
	}
	return at + 1, at <= len(r)
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

func dotted(path []string) string {
	var b strings.Builder
	for _, p := range path {
		_, err := strconv.Atoi(p)
		switch {
		case err == nil && b.Len() > 0:
			b.WriteString("[" + p + "]")
		case b.Len() > 0:
			b.WriteString("." + p)
		default:
			b.WriteString(p)
		}
	}
	return b.String()
}

// splitLines returns the lines of a file without their ends; bytes that are no UTF-8 count as one character.
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
