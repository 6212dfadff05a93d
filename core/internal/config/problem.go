package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchbay/core/internal/finding"
	"patchbay/sdk/text"
)

// Position is a position in a configuration file. Line and Column count from 1, columns in characters. Line is 0 if the
// value does not come from a file; then File names the origin, such as an environment variable.
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column without the unknown parts.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one mistake in the configuration.
type Problem struct {
	Code finding.Code // "" if the problem is not in the configuration
	Position
	Path       string // "routes[2].when", "" for the file as a whole
	Message    string // the mistake and advice; never a secret
	Suggestion string // the most likely correction, "" without one
	Excerpt    Excerpt
	Variable   string // see route.Problem
}

// String returns one line without control characters: file:line:column, path, message, suggestion and code.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Position.String())
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.Message)
	if p.Suggestion != "" {
		quoted := strconv.Quote(p.Suggestion)
		if strings.Contains(p.Suggestion, `"`) {
			quoted = "`" + p.Suggestion + "`"
		}
		fmt.Fprintf(&b, " (did you mean %s?)", quoted)
	}
	if p.Code != "" {
		fmt.Fprintf(&b, " [%s]", p.Code)
	}
	return text.OneLine(b.String()) // keys of the file can contain control characters
}

// Problems is the error of Load: all problems, sorted by position.
type Problems struct {
	List []Problem
}

// Error returns one problem per line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i := range p.List {
		lines[i] = p.List[i].String()
	}
	return strings.Join(lines, "\n")
}

// SortProblems orders problems by file, line, column, path, then message.
func SortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
}

// Problem returns a problem with the setting at a path: Problem(code, m, "channels", "desk", "role"). The name of an
// item in a list is its index. The problem of a missing setting has the position of the closest parent that exists.
func (c *Config) Problem(code finding.Code, message string, path ...string) Problem {
	return c.source.addExcerpt(c.root.find(path...).problem(code, message))
}

func (n *node) problem(code finding.Code, message string) Problem {
	return Problem{Code: code, Position: n.place(), Path: n.path(), Message: message}
}

// SettingProblem returns a problem that an adapter reports about a channel's setting. The setting is a dotted path
// below settings, such as "verify.secret_key" or "names[1]". An empty path means all settings.
func (c *Config) SettingProblem(code finding.Code, channel, setting, message string) Problem {
	return c.Problem(code, message, append([]string{"channels", channel, "settings"}, splitPath(setting)...)...)
}

// splitPath splits a dotted path: offer.to[1] is offer, to, 1.
func splitPath(dotted string) []string {
	return strings.FieldsFunc(dotted, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}
