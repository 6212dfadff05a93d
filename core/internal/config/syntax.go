package config

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	yamlLine    = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlAnchor  = regexp.MustCompile(`^unknown anchor '([^']*)'`)
	leadingTab  = regexp.MustCompile(`^ *(\t)`)
	secondColon = regexp.MustCompile(`^.*?:\s.*?(:)(?:\s|$)`)
	bareDollar  = regexp.MustCompile(`[:,[{]\s*(\$\{)`)
)

// mistake is what an operator did when the YAML library says so. The place is that of the pattern's group in the line.
type mistake struct {
	says    string         // the library, or a part of it
	place   *regexp.Regexp // nil: any line; else the line must match
	meaning string         // what is wrong and what to do
}

// mistakes are looked through in order; the first that fits is reported.
var mistakes = []mistake{
	{"tab character", leadingTab, "a tab in the indentation; use blanks"},
	{"cannot start any token", leadingTab, "a tab in the indentation; use blanks"},
	{"cannot start any token", regexp.MustCompile("(?:^|[:,-]\\s)\\s*([@`%])"),
		"a text can't begin with this character; put it in quotes"},
	{"expected alphabetic or numeric", regexp.MustCompile(`(?:^|[:,[-]\s*)([*&])`),
		"a text can't begin with this character; put it in quotes"},
	{"mapping values are not allowed", secondColon, "a text with a colon before a blank needs quotes"},
	{"mapping values are not allowed", nil, "a key where none can be; correct the indentation of this line or of the one above, " +
		"and have a blank behind each key's colon"},
	{"could not find expected ':'", nil, "a key needs a colon and a blank behind it: `role: bot`"},
	{"block sequence entries", nil, "a list begins in a line of its own, below its key"},
	{"unknown escape character", nil, "a backslash in double quotes; put the text in single quotes"},
	{"unexpected end of stream", nil, "a quote is not closed"},
	{"expected ',' or '}'", bareDollar, "a reference between { and } needs quotes: \"${env:NAME}\""},
	{"expected ',' or ']'", bareDollar, "a reference between [ and ] needs quotes: \"${env:NAME}\""},
	{"expected ',' or '}'", nil, "what begins with { is not closed here, or a comma is missing; texts with { } [ ] , in them need quotes"},
	{"expected ',' or ']'", nil, "what begins with [ is not closed here, or a comma is missing; texts with { } [ ] , in them need quotes"},
	{"expected '-' indicator", nil, "what is above is a list, and this line is no entry of it; begin it with \"- \", or correct the indentation"},
	{"expected node content", nil, "a value is missing: there is a comma too many, or a text that needs quotes"},
	{"did not find expected key", regexp.MustCompile(`^\s*(-)\s`), "an entry of a list among keys; correct the indentation, or take the - away"},
	{"did not find expected key", nil, "the line does not go with those above; correct the indentation; nothing can stand behind " +
		"the quote that ends a text"},
}

// parserSays are the messages with which the library names no line that helps: that where the mapping or list begins, or the
// one before.
var parserSays = []string{"expected key", "expected '-'", "expected ','", "expected node content", "expected <document start>"}

// syntax reports why a file is no YAML, in words that say what to do.
func (r *reader) syntax(err error, data []byte) {
	lines := splitLines(data)
	if line, column, what := badCharacter(data); what != "" {
		r.bad(line, column, "", "%s", what)
		return
	}
	msg := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		msg = msg[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	if m := yamlAnchor.FindStringSubmatch(msg); m != nil {
		line, column := find(lines, "*"+m[1])
		r.bad(line, column, "", "is not valid YAML: there is no &%s above that *%s could stand for; put a text that begins with * in quotes", m[1], m[1])
		return
	}
	if slices.ContainsFunc(parserSays, func(says string) bool { return strings.Contains(msg, says) }) {
		line = breakLine(data)
	}
	for _, m := range mistakes {
		if !strings.Contains(msg, m.says) {
			continue
		}
		if m.place == nil {
			r.bad(line, 0, "", "is not valid YAML: %s", m.meaning)
			return
		}
		for at := line; at <= min(line+1, len(lines)); at++ { // of a tab the library names the line before
			if column := columnOf(m.place, lines[at-1]); column > 0 && (at == line || m.place == leadingTab) {
				r.bad(at, column, "", "is not valid YAML: %s", m.meaning)
				return
			}
		}
	}
	r.bad(line, 0, "", "is not valid YAML: %s", msg)
}

// badCharacter returns the place of what no YAML file may have, and what to do about it; "" if there is nothing. A file in
// UTF-16 may have it, and begins with a mark.
func badCharacter(data []byte) (line, column int, what string) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0, 0, ""
	}
	line, column = 1, 1
	for rest := data; len(rest) > 0; column++ {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			return line, column, "is not UTF-8 here; save the file as UTF-8"
		case c == '\n':
			line, column = line+1, 0
		case c == '\ufeff' && len(rest) == len(data):
			column = 0
		case unicode.IsControl(c) && c != '\t' && c != '\r' && c != '\u0085':
			return line, column, "a control character " + strconv.QuoteRuneToASCII(c) + "; take it out"
		}
		rest = rest[size:]
	}
	return 0, 0, ""
}

// find returns the first place of a word in the file, 1:1 if it isn't there.
func find(lines []string, word string) (line, column int) {
	for i, l := range lines {
		if at := strings.Index(l, word); at >= 0 {
			return i + 1, utf8.RuneCountInString(l[:at]) + 1
		}
	}
	return 1, 1
}

// columnOf returns the column of a pattern's group in a line, 0 if it isn't there.
func columnOf(pattern *regexp.Regexp, line string) int {
	m := pattern.FindStringSubmatchIndex(line)
	if m == nil {
		return 0
	}
	return utf8.RuneCountInString(line[:m[2]]) + 1
}
