package config

import (
	"strconv"
	"strings"
	"unicode/utf8"
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
