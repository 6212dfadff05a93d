package config

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"patchbay/core/internal/finding"
)

// checkComments warns of comments that probably belong to the value before them. In YAML, a # behind a space begins a
// comment, if the value is not in quotes.
func (l *loader) checkComments(n *node) {
	for _, child := range n.children {
		l.checkComments(child)
	}
	isPlain := n.kind == scalar && n.yaml != nil && n.yaml.Style == 0 && n.yaml.Kind == yaml.ScalarNode
	if !isPlain || n.at.File != l.opts.Path {
		return
	}
	scan, ok := l.source.endOf(n)
	if !ok || scan.line >= len(l.lines) {
		return
	}
	rest := scan.source[min(scan.column, len(scan.source)):]
	comment := strings.TrimLeft(string(rest), " \t")
	spaces := len(string(rest)) - len(comment)
	text, isComment := strings.CutPrefix(comment, "#")
	if !isComment || spaces == 0 {
		return
	}
	glued := text != "" && !strings.ContainsAny(text[:1], " \t#!-=")
	if !glued && (spaces > 1 || !n.isProse()) {
		return
	}
	at := Position{n.at.File, scan.line + 1, scan.column + spaces + 1}
	l.warnings = append(l.warnings, Problem{Code: finding.CommentCutsValue, Position: at, Path: n.path(),
		Message: "the value ends before this #, which begins a comment; put the value in quotes if the # belongs to it"})
}

// isProse reports whether a value is a text for people or a condition, in which a # is likely.
func (n *node) isProse() bool {
	for ; n != nil; n = n.parent {
		switch n.name {
		case "say", "set", "when", "title":
			return true
		}
	}
	return false
}
