package config

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// What is wrong is the group: a tab in the indentation, what no plain text begins with, a mapping in a plain text.
	leadingTab  = regexp.MustCompile(`^ *(\t)`)
	oddStart    = regexp.MustCompile("(?:^|[:,-]\\s)\\s*([@`%])")
	secondColon = regexp.MustCompile(`^.*?:\s.*?(:)(?:\s|$)`)
)

// syntax reports why a file is no YAML. The library knows the line at best, and of a tab the one before; where it is
// plain which character is meant, its column and what to do are added.
func (r *reader) syntax(err error, data []byte) {
	msg := err.Error()
	line := 0
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	lines := splitLines(data)
	first := max(line, 1)
	switch {
	case strings.Contains(msg, "tab character"), strings.Contains(msg, "cannot start any token"):
		for at := first; at <= min(first+1, len(lines)); at++ {
			if column := columnOf(leadingTab, lines[at-1]); column > 0 {
				r.bad(at, column, "", "is not valid YAML: a tab in the indentation; use blanks")
				return
			}
		}
		if column := columnOf(oddStart, lines[min(first, len(lines))-1]); column > 0 {
			r.bad(first, column, "", "is not valid YAML: %s; put the text in quotes", msg)
			return
		}
	case strings.Contains(msg, "mapping values are not allowed"):
		if column := columnOf(secondColon, lines[min(first, len(lines))-1]); column > 0 {
			r.bad(first, column, "", "is not valid YAML: %s; a text with a colon before a blank needs quotes", msg)
			return
		}
	}
	r.bad(line, 0, "", "is not valid YAML: %s", msg)
}

// columnOf returns the column of a pattern's group in a line, 0 if it isn't there.
func columnOf(pattern *regexp.Regexp, line string) int {
	m := pattern.FindStringSubmatchIndex(line)
	if m == nil {
		return 0
	}
	return utf8.RuneCountInString(line[:m[2]]) + 1
}
