package route

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"

	"patchbay/core/internal/finding"
	"patchbay/sdk/text"
)

// checkSource refuses a condition that is empty, too long, or not valid UTF-8, or that contains control characters.
func checkSource(source string) *Problem {
	if strings.TrimSpace(source) == "" {
		return &Problem{Code: finding.EmptyValue, Message: "is empty; leave the key out if the rule has no condition"}
	}
	if !utf8.ValidString(source) {
		return &Problem{Code: finding.ConditionSyntax, Message: "is not valid UTF-8"}
	}
	if n := utf8.RuneCountInString(source); n > maxCondition {
		return &Problem{Code: finding.ConditionCost,
			Message: fmt.Sprintf("has %d characters, at most %d are possible", n, maxCondition)}
	}
	line, column := 1, 0
	for _, r := range source {
		column++
		if r == '\n' {
			line, column = line+1, 0
		} else if isControl(r) {
			return &Problem{Code: finding.ControlCharacter, Line: line, Column: column, Message: controlMessage(r)}
		}
	}
	return nil
}

func isControl(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }

// controlCharacter returns the first control character of a text.
func controlCharacter(s string) (rune, bool) {
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return r, true
	}
	return 0, false
}

func controlMessage(r rune) string {
	msg := fmt.Sprintf("contains the control character %U, which no message contains", r)
	if r == '\b' {
		msg += `; for a word boundary write r"\b" in the expression, and the whole expression as plain or ` +
			`single-quoted YAML`
	}
	return msg
}

// problemAt returns a problem with the text and the position of a compiler's error.
func problemAt(code finding.Code, e *common.Error) Problem {
	p := Problem{Code: code, Line: 1, Column: 1, Message: text.FirstLine(e.Message)}
	if e.Location != nil && e.Location.Line() > 0 {
		p.Line, p.Column = e.Location.Line(), e.Location.Column()+1
	}
	return p
}

// syntaxProblems returns the parser's errors up to the first syntax error. Later errors can be its consequences.
func syntaxProblems(source string, issues *cel.Issues) []Problem {
	var out []Problem
	for _, e := range issues.Errors() {
		p := problemAt(finding.ConditionSyntax, e)
		if e.ExprID != 0 || e.Location == nil ||
			e.Location.Line() < 1 { // from a macro, or about the expression as a whole
			out = append(out, p)
			continue
		}
		p.Message = syntaxMessage(sourceAround(source, p.Line, p.Column))
		return append(out, p)
	}
	return out
}

// sourceAround returns the beginning of the line up to a position, and all source from this position on.
func sourceAround(source string, line, column int) (before, after string) {
	for range line - 1 {
		_, source, _ = strings.Cut(source, "\n")
	}
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(source)
		before, source = before+source[:size], source[size:]
	}
	return before, source
}

// syntaxMessage names the token that the parser cannot use. It replaces the parser's list of expected tokens.
func syntaxMessage(before, after string) string {
	word := firstToken(after)
	if word == "" {
		return "the expression ends too early"
	}
	msg := fmt.Sprintf("syntax error at %q", word)
	if strings.ContainsAny(word, "“”„‘’‚«»") {
		return msg + "; texts need straight quotes: \"…\""
	}
	if hint, ok := syntaxHints[strings.ToLower(word)]; ok {
		return msg + "; " + hint
	}
	if fields := strings.Fields(before); len(fields) > 0 && strings.EqualFold(fields[len(fields)-1], "not") {
		return msg + "; " + syntaxHints["not"]
	}
	if word[0] == '"' || word[0] == '\'' {
		return msg + "; a quote is missing, or one inside the text needs a backslash"
	}
	return msg
}

var syntaxHints = map[string]string{
	"=": "equality is ==", "and": "and is &&", "or": "or is ||", "not": "not is !", "&": "and is &&", "|": "or is ||",
}

// firstToken returns the first word, number, text, operator or character of a source. If a text has no closing quote,
// it returns the rest of the line.
func firstToken(source string) string {
	source = strings.TrimSpace(source)
	line, _, _ := strings.Cut(source, "\n")
	r, size := utf8.DecodeRuneInString(line)
	switch {
	case r == '"' || r == '\'':
		if end := strings.IndexRune(line[1:], r); end >= 0 {
			return line[:end+2]
		}
		return strings.TrimSpace(line)
	case unicode.IsDigit(r):
		size = len(line) - len(strings.TrimLeft(line, "0123456789."))
	case unicode.IsLetter(r) || r == '_':
		size = len(line) - len(strings.TrimLeftFunc(line, func(r rune) bool {
			return unicode.IsLetter(r) ||
				unicode.IsDigit(r) || r == '_'
		}))
	}
	for _, operator := range []string{"&&", "||", "==", "!=", "<=", ">="} {
		if strings.HasPrefix(line, operator) {
			return operator
		}
	}
	return line[:size]
}
