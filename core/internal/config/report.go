package config

import (
	"slices"
	"strings"
)

// tidy sorts problems and leaves out repetitions, which aliases cause.
func tidy(list []Problem) []Problem {
	SortProblems(list)
	return slices.Compact(list)
}

// bad reports a problem with a setting whose form is right; values go through l.quote.
func (l *loader) bad(path []string, suggestion, format string, args ...any) {
	if l.follows(path) {
		return
	}
	l.shaper.bad(l.tree.at(path...), path, suggestion, format, args...)
}

// follows reports whether the form of a setting or of what it is part of is wrong.
func (l *loader) follows(path []string) bool {
	for n := range path {
		if l.broken[dotted(path[:n+1])] {
			return true
		}
	}
	return false
}

// brokenBelow reports whether the form of a setting or of anything below it is wrong.
func (l *loader) brokenBelow(path string) bool {
	for p := range l.broken {
		if within(p, path) {
			return true
		}
	}
	return false
}

// within reports whether a path is the given one or below it.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// hidden reports whether a setting's value comes from a reference or the environment, and must not be shown.
func (l *loader) hidden(path []string) bool {
	_, ok := l.shaper.shown[dotted(path)]
	return ok
}

// quote returns what may be shown of a setting's value.
func (l *loader) quote(value string, path ...string) string {
	if shown, ok := l.shaper.shown[dotted(path)]; ok {
		return quote(resolved{shown: shown, secret: true})
	}
	return quote(resolved{text: value})
}
