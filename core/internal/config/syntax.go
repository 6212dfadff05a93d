package config

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"patchbay/core/internal/finding"
)

// syntaxAdvice translates the messages of the YAML library into advice. The first entry that applies is used.
var syntaxAdvice = []struct {
	message string
	applies func(*sourceError) bool // nil means always
	atStart bool                    // the position is the start of the unfinished value
	offset  int                     // columns to add to the library's position
	advice  string
}{
	{"tab character", nil, false, 0, "a tab in the indentation; use spaces"},
	{"cannot start any token", beginsWith("\t"), false, 0, "a tab in the indentation; use spaces"},
	{"cannot start any token", nil, false, 0, "a text cannot begin with this character; put it in quotes"},
	{"expected alphabetic or numeric", nil, false, 0, "a text cannot begin with this character; put it in quotes"},
	{"unknown anchor", nil, false, 0, "this alias has no anchor; put a text that begins with * in quotes"},
	{"mapping values are not allowed", hasColon, false, 0, "a text with a colon before a space needs quotes"},
	{"mapping values are not allowed", nil, false, 0,
		"no key is possible here; correct the indentation of this line or of the one above, " +
			"and put a space behind the colon of each key"},
	{"could not find expected ':'", nil, true, 0, "a key needs a colon and a space behind it: `role: bot`"},
	{"block sequence entries", nil, false, 0, "a list begins in a separate line below its key"},
	{"unknown escape character", nil, false, 0, "a backslash in double quotes; put the text in single quotes"},
	{"unexpected end of stream", nil, true, 0, "a quote is not closed"},
	{"expected ',' or", isReference, false, -1, "a reference between braces or brackets needs quotes: \"${env:NAME}\""},
	{"expected ',' or '}'", nil, true, 0,
		"this { is not closed, or a comma is missing; texts that contain { } [ ] , need quotes"},
	{"expected ',' or ']'", nil, true, 0,
		"this [ is not closed, or a comma is missing; texts that contain { } [ ] , need quotes"},
	{"expected '-' indicator", nil, false, 0,
		"the lines above are a list, and this line is not an entry; begin it with \"- \", or correct the indentation"},
	{"expected node content", nil, false, 0,
		"a value is missing: there is a comma too many, or a text that needs quotes"},
	{"expected <document start>", nil, false, 0,
		"the line does not fit the first one; correct the indentation of both"},
	{"did not find expected key", beginsWith("- "), false, 0,
		"an entry of a list among keys; correct the indentation, or remove the hyphen"},
	{"did not find expected key", nil, false, 0,
		"the line does not fit those above; correct the indentation; no text can follow the quote that ends a text"},
}

// sourceError is an error of the YAML library with the parts of its line before and after the position.
type sourceError struct {
	*yaml.LoadError
	before, after string
}

func beginsWith(prefix string) func(*sourceError) bool {
	return func(e *sourceError) bool { return strings.HasPrefix(e.after, prefix) }
}

// isReference reports whether the error is in a reference that is in the same line as the brace or bracket around it.
func isReference(e *sourceError) bool {
	return strings.HasSuffix(e.before, "$") && strings.HasPrefix(e.after, "{") && e.Mark.Line == e.ContextMark.Line
}

func hasColon(e *sourceError) bool { return strings.Contains(e.before, ": ") }

// syntax reports why a file is not YAML, with advice.
func (r *reader) syntax(err error, data []byte) {
	if line, column, message := badCharacter(data); message != "" {
		r.bad(finding.YAMLSyntax, line, column, "", "%s", message)
		return
	}
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		r.bad(finding.YAMLSyntax, 0, 0, "", "is not valid YAML: %v", err)
		return
	}
	e = unclosedBefore(e, data)
	s := &sourceError{LoadError: e}
	s.before, s.after = cutLine(splitLines(data), e.Mark)
	if strings.Contains(e.Message, "YAML tag") && r.tag(s) {
		return
	}
	for _, a := range syntaxAdvice {
		if strings.Contains(e.Message, a.message) && (a.applies == nil || a.applies(s)) {
			at := e.Mark
			if a.atStart && e.ContextMark.Line > 0 {
				at = e.ContextMark
			}
			r.bad(finding.YAMLSyntax, at.Line, at.Column+a.offset, "", "is not valid YAML: %s", a.advice)
			return
		}
	}
	r.bad(finding.YAMLSyntax, e.Mark.Line, e.Mark.Column, "", "is not valid YAML: %s", e.Message)
}

// condition matches a condition that begins with an exclamation mark, without quotes.
var condition = regexp.MustCompile(`^\s*(?:- )?when:\s+(!.*?)\s*$`)

// tag reports a value that begins with an exclamation mark, which begins a tag in YAML. It returns false if there is
// none before the error.
func (r *reader) tag(s *sourceError) bool {
	begin := strings.LastIndex(s.before, " !") + 1
	if begin == 0 {
		return false
	}
	r.bad(finding.YAMLTag, s.Mark.Line, utf8.RuneCountInString(s.before[:begin])+1, "",
		"a value that begins with ! needs quotes, because ! begins a tag in YAML")
	if found := condition.FindStringSubmatch(s.before + s.after); found != nil {
		last := &(*r.problems)[len(*r.problems)-1]
		last.Suggestion = "when: '" + strings.ReplaceAll(found[1], "'", "''") + "'"
	}
	return true
}

// unclosedBefore finds the cause of an error about a key. After an unclosed { or [, the library reads further keys as
// text until one does not fit. If there is such a { or [ above the line, unclosedBefore returns its error, otherwise e.
func unclosedBefore(e *yaml.LoadError, data []byte) *yaml.LoadError {
	if !strings.Contains(e.Message, "mapping values") && !strings.Contains(e.Message, "expected ':'") {
		return e
	}
	above := bytes.Join(bytes.SplitAfter(data, []byte("\n"))[:max(e.Mark.Line-1, 0)], nil)
	var doc yaml.Node
	first, ok := errors.AsType[*yaml.LoadError](yaml.NewDecoder(bytes.NewReader(above)).Decode(&doc))
	if ok && strings.Contains(first.Message, "expected ',' or") {
		return first
	}
	return e
}

// cutLine returns the part of the marked line before the mark, and the rest.
func cutLine(lines []string, at yaml.Mark) (before, after string) {
	if at.Line < 1 || at.Line > len(lines) || at.Column < 1 {
		return "", ""
	}
	line := []rune(lines[at.Line-1])
	column := min(at.Column-1, len(line))
	return string(line[:column]), string(line[column:])
}

// badCharacter returns the position of the first character that YAML does not allow, and advice. The message is "" if
// there is no such character. It ignores files in UTF-16, which begin with a byte order mark.
func badCharacter(data []byte) (line, column int, message string) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return 0, 0, ""
	}
	line, column = 1, 1
	for rest := data; len(rest) > 0; column++ {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			return line, column, "is not UTF-8; save the file as UTF-8"
		case c == '\n':
			line, column = line+1, 0
		case c == '\ufeff' && len(rest) == len(data):
			column = 0
		case unicode.IsControl(c) && c != '\t' && c != '\r' && c != '\u0085':
			return line, column, "contains the control character " + strconv.QuoteRuneToASCII(c) + "; remove it"
		}
		rest = rest[size:]
	}
	return 0, 0, ""
}
