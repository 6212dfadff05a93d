package route

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"patchbay/sdk/envelope"
)

var roles = []string{
	string(envelope.RoleCustomer), string(envelope.RoleBot), string(envelope.RoleAgent), string(envelope.RoleObserver),
}

// checkCharacters refuses control characters in a condition's source.
func checkCharacters(source string) *Problem {
	if strings.TrimSpace(source) == "" {
		return &Problem{Message: "is empty; leave the key out if the rule has no condition"}
	}
	if !utf8.ValidString(source) {
		return &Problem{Message: "is not valid UTF-8"}
	}
	line, column := 1, 0
	for _, r := range source {
		column++
		if r == '\n' {
			line, column = line+1, 0
			continue
		}
		if r != '\t' && r != '\r' && unicode.IsControl(r) {
			return &Problem{Line: line, Column: column, Message: controlMessage(r)}
		}
	}
	return nil
}

func controlCharacter(s string) (rune, bool) {
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			return r, true
		}
	}
	return 0, false
}

func controlMessage(r rune) string {
	msg := fmt.Sprintf("control character %U, which no message has", r)
	if r == '\b' {
		msg += `; for a word boundary write r"\b" in the expression, and the whole expression as plain or single-quoted YAML`
	}
	return msg
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'`)
	token      = regexp.MustCompile(`(?:input|error at:|missing '.*' at) '(.*?)'?(?: expecting .*)?$`)
	badLiteral = regexp.MustCompile(`^invalid (\w+) argument`)
)

// issues turns the compiler's messages into problems that an operator can act on. What follows a syntax error
// or a loop is mostly its consequence, and left out.
func (l *language) issues(source string, issues *cel.Issues) []Problem {
	var out []Problem
	for _, e := range issues.Errors() {
		p := Problem{Line: 1, Column: 1, Message: firstLine(e.Message)}
		if e.Location != nil && e.Location.Line() > 0 {
			p.Line, p.Column = e.Location.Line(), e.Location.Column()+1
		}
		switch {
		case strings.HasPrefix(p.Message, "Syntax error"):
			p.Message = syntaxMessage(source, p)
			return append(out, p)
		case undeclared.MatchString(p.Message):
			if undeclaredName(source, &p) {
				return append(out, p)
			}
		case overload.MatchString(p.Message):
			p.Message = overloadMessage(p.Message)
		case badLiteral.MatchString(p.Message):
			name := badLiteral.FindStringSubmatch(p.Message)[1]
			p.Message = fmt.Sprintf("invalid argument of %s", name)
			if why := l.badPattern(source, p.Line, p.Column); name == "matches" && why != "" {
				p.Message += ": " + why
			}
		}
		out = append(out, p)
	}
	return out
}

// badPattern says why the text literal at a place is no regular expression, "" if it is one or there is none.
func (l *language) badPattern(source string, line, column int) string {
	tree, issues := l.env.Parse(source)
	if issues.Err() != nil {
		return ""
	}
	why := ""
	native := tree.NativeRep()
	ast.PreOrderVisit(native.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		text, ok := literal(e)
		if at := native.SourceInfo().GetStartLocation(e.ID()); !ok || at.Line() != line || at.Column()+1 != column {
			return
		}
		_, err := regexp.Compile(text)
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			why = fmt.Sprintf("%s: %s", bad.Code, bad.Expr)
		}
	}))
	return why
}

// undeclaredName words the problem of an unknown name; last means that later ones follow from it.
func undeclaredName(source string, p *Problem) (last bool) {
	name := undeclared.FindStringSubmatch(p.Message)[1]
	p.Message = fmt.Sprintf("undeclared reference to %q", name)
	if rest := after(source, p.Line, p.Column); !strings.HasPrefix(rest, "(") {
		p.Suggestion = Closest(name, variableNames())
		return false
	}
	p.Column = max(1, p.Column-utf8.RuneCountInString(name))
	if slices.Contains(loops, name) {
		p.Message = fmt.Sprintf(`%s: conditions have no loops; ask a list with "image" in parts`, name)
		return true
	}
	if p.Suggestion = otherNames[name]; p.Suggestion == "" {
		p.Suggestion = Closest(name, functionNames)
	}
	return false
}

var loops = []string{"exists", "exists_one", "all", "map", "filter"}

// otherNames are what other languages call our functions.
var otherNames = map[string]string{
	"len": "size", "length": "size", "lenght": "size", "count": "size", "match": "matches", "regex": "matches",
	"attribute": "attr", "attributes": "attr", "is_open": "open", "hasPrefix": "startsWith", "hasSuffix": "endsWith",
}

func variableNames() []string {
	var out []string
	for _, v := range variables {
		out = append(out, v.name)
	}
	return out
}

// after returns the source from a place on.
func after(source string, line, column int) string {
	lines := strings.Split(source, "\n")
	if line > len(lines) {
		return ""
	}
	r := []rune(lines[line-1])
	return string(r[min(column-1, len(r)):])
}

// syntaxMessage replaces the parser's list of expected tokens.
func syntaxMessage(source string, p Problem) string {
	m := token.FindStringSubmatch(p.Message)
	if m == nil {
		return "syntax error"
	}
	word := strings.TrimSpace(m[1])
	if word == "<EOF>" {
		return "the expression ends too early"
	}
	msg := fmt.Sprintf("syntax error at %q", word)
	if hint, ok := syntaxHints[strings.ToLower(word)]; ok {
		return msg + "; " + hint
	}
	before := strings.TrimSuffix(source, after(source, p.Line, p.Column))
	if fields := strings.Fields(before); len(fields) > 0 && strings.EqualFold(fields[len(fields)-1], "not") {
		return msg + "; " + syntaxHints["not"]
	}
	if strings.HasPrefix(word, `"`) || strings.HasPrefix(word, "'") {
		return msg + "; a quote is missing, or one inside the text needs a backslash"
	}
	return msg
}

var syntaxHints = map[string]string{
	"=": "equality is ==", "and": "and is &&", "or": "or is ||", "not": "not is !", "&": "and is &&", "|": "or is ||",
}

// overloadMessage says which types don't go together.
func overloadMessage(msg string) string {
	m := overload.FindStringSubmatch(msg)
	name, args := strings.TrimPrefix(m[1], "@"), strings.TrimPrefix(m[2], "(dyn, ")
	args = strings.Trim(strings.ReplaceAll(args, ".(", ", "), "()")
	switch {
	case name == "_?_:_":
		return "both results of ?: must have the same type"
	case name == "!_" || strings.HasPrefix(name, "_"):
		name = strings.Trim(name, "_")
		return fmt.Sprintf("%s can't be applied to %s", name, strings.ReplaceAll(args, ", ", " and "))
	case name == "in":
		return fmt.Sprintf("in can't be applied to %s", strings.ReplaceAll(args, ", ", " and "))
	}
	return fmt.Sprintf("%s can't be called with %s", name, args)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func typeName(t *cel.Type) string {
	switch t.TypeName() {
	case "string":
		return "a text"
	case "int", "uint", "double":
		return "a number"
	case "list":
		return "a list"
	case "google.protobuf.Duration":
		return "a duration"
	}
	return "a " + t.TypeName()
}
