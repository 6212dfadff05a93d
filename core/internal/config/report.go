package config

import (
	"fmt"
	"slices"
	"strings"

	"patchbay/core/internal/finding"
)

// tidy sorts problems and removes duplicates. An alias causes the problems of its anchor again.
func tidy(list []Problem) []Problem {
	SortProblems(list)
	return slices.Compact(list)
}

// report adds a problem with a setting at a position.
func (l *loader) report(code finding.Code, n *node, at Position, suggestion, format string, args ...any) {
	l.problems = append(l.problems, Problem{Code: code, Position: at, Path: n.path(), Suggestion: suggestion,
		Message: fmt.Sprintf(format, args...)})
}

// malformed reports a value of the wrong form.
func (l *loader) malformed(code finding.Code, n *node, format string, args ...any) {
	l.report(code, n, n.at, "", format, args...)
}

// bad reports a problem with a well-formed setting. It reports nothing if the setting or a parent is malformed. To
// show a value, callers use node.quote, which hides confidential ones.
func (l *loader) bad(code finding.Code, n *node, format string, args ...any) {
	l.badFor(code, n, "", format, args...)
}

// badFor is bad with a suggestion, which is left out if the value is confidential.
func (l *loader) badFor(code finding.Code, n *node, suggestion, format string, args ...any) {
	if l.isMalformed(n) {
		return
	}
	if n.resolved.secret {
		suggestion = ""
	}
	l.report(code, n, n.place(), suggestion, format, args...)
}

// isMalformed reports whether a setting or a parent is malformed.
func (l *loader) isMalformed(n *node) bool {
	for ; n != nil; n = n.parent {
		if l.broken[n.path()] && n.parent != nil {
			return true
		}
	}
	return false
}

// hasMalformed reports whether a setting or anything below it is malformed.
func (l *loader) hasMalformed(n *node) bool {
	for path := range l.broken {
		if within(path, n.path()) {
			return true
		}
	}
	return false
}

// within reports whether path is equal to above, or is the path of a setting inside it.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
