package route

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// requirement is a fact by which the index finds rules: a variable, an attribute or a JSON member of an attribute has
// a fixed value, or the text contains a word.
type requirement struct {
	key   string // the variable's name; "@" and the attribute's name; "#", its name, a zero byte and the path of data()
	value string // for wordKey, a folded word
}

// wordKey is the key of words in the text.
const wordKey = "text"

// requirements returns facts. For an input without any of them, the expression is false and does not fail. It returns
// nil if it finds no such facts.
func (l *language) requirements(e ast.Expr) []requirement {
	if e.Kind() != ast.CallKind {
		return nil
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case "_&&_":
		return betterRequirements(l.requirements(args[0]), l.requirements(args[1]))
	case "_||_":
		x, y := l.requirements(args[0]), l.requirements(args[1])
		if x == nil || y == nil {
			return nil
		}
		return append(x, y...)
	case "_==_":
		if t := equalities(args[0], args[1]); t != nil {
			return t
		}
		return equalities(args[1], args[0])
	case "@in":
		if args[1].Kind() == ast.ListKind {
			return equalities(args[0], args[1].AsList().Elements()...)
		}
	}
	return l.wordRequirements(e)
}

// wordRequirements returns the requirements of a function that searches the text.
func (l *language) wordRequirements(e ast.Expr) []requirement {
	if list, ok := l.mentionList(e); ok {
		words := make([]string, len(list))
		for i, p := range list {
			words[i] = p.folded
		}
		return requirementsOf(words...)
	}
	call := e.AsCall()
	if !call.IsMemberFunction() || !isIdent(call.Target(), "text") || len(call.Args()) != 1 {
		return nil
	}
	s, ok := literal(call.Args()[0])
	if !ok {
		return nil
	}
	switch call.FunctionName() {
	case "contains", "startsWith", "endsWith":
		return requirementsOf(fold(s))
	case "matches":
		return requirementsOf(patternWords(s)...)
	}
	return nil
}

// requirementsOf returns the requirements of words in the text, or nil if one is empty.
func requirementsOf(words ...string) []requirement {
	var out []requirement
	for _, w := range words {
		if w == "" {
			return nil
		}
		out = append(out, requirement{key: wordKey, value: w})
	}
	return out
}

// equalities returns the requirements of a comparison: the expression left must have one of the values. It returns nil
// if a value is not a literal or left has no indexKey.
func equalities(left ast.Expr, values ...ast.Expr) []requirement {
	var out []requirement
	for _, v := range values {
		value, ok := literal(v)
		key := indexKey(left)
		if key == wordKey {
			value = fold(value)
		}
		if !ok || key == "" || key == wordKey && value == "" {
			return nil
		}
		out = append(out, requirement{key: key, value: value})
	}
	return out
}

// indexKey returns the requirement.key of an expression, or "" if it has none.
func indexKey(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		if _, isText := (&Facts{}).shortText(e.AsIdent()); isText || e.AsIdent() == wordKey {
			return e.AsIdent()
		}
	case ast.CallKind:
		switch call := e.AsCall(); call.FunctionName() {
		case "@attr":
			if name, ok := literal(call.Args()[1]); ok {
				return "@" + name
			}
		case "@data":
			name, first := literal(call.Args()[1])
			if path, second := literal(call.Args()[2]); first && second {
				return "#" + name + "\x00" + path
			}
		}
	}
	return ""
}

// betterRequirements returns the requirements that fewer inputs are likely to have.
func betterRequirements(x, y []requirement) []requirement {
	if a, b := rankAll(x), rankAll(y); b > a || b == a && len(y) < len(x) {
		return y
	}
	return x
}

// rankAll returns the lowest rank in the list, or -1 for an empty list.
func rankAll(list []requirement) int {
	if len(list) == 0 {
		return -1
	}
	least := rank(list[0])
	for _, t := range list[1:] {
		least = min(least, rank(t))
	}
	return least
}

// rank is higher for a requirement that fewer inputs are likely to have: for attributes, senders and long words.
func rank(t requirement) int {
	switch {
	case t.key == wordKey:
		return min(len(t.value), 4) - 1
	case t.key[0] == '@' || t.key[0] == '#':
		return 3
	case t.key == "sender_id" || t.key == "sender_name" || t.key == "reason":
		return 2
	case t.key == "role" || t.key == "owner_role":
		return 0
	}
	return 1
}

// literal returns a text literal's value.
func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
