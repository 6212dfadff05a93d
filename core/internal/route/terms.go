package route

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// term is a fact by which the index finds rules: a variable, an attribute or a part of one has a fixed value, or the text
// contains a word.
type term struct {
	key   string // the variable's name; "@" and the attribute's name; "#", its name, a zero byte and the path of data()
	value string // of the key wordKey: a word, folded
}

// wordKey is the key of words in the text.
const wordKey = "text"

// terms returns terms of which at least one holds for every input for which the expression is true. For other inputs it
// is false and does not fail. It returns nil if it finds no such terms.
func (l *language) terms(e ast.Expr) []term {
	if e.Kind() != ast.CallKind {
		return nil
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case "_&&_":
		return betterTerms(l.terms(args[0]), l.terms(args[1]))
	case "_||_":
		x, y := l.terms(args[0]), l.terms(args[1])
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
	return l.wordTerms(e)
}

// wordTerms returns the terms of a function that searches the text.
func (l *language) wordTerms(e ast.Expr) []term {
	if list, ok := l.mentioned(e); ok {
		words := make([]string, len(list))
		for i, p := range list {
			words[i] = p.folded
		}
		return termsOf(words...)
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
		return termsOf(fold(s))
	case "matches":
		return termsOf(patternWords(s)...)
	}
	return nil
}

// termsOf returns the terms of words in the text, or nil if one is empty.
func termsOf(words ...string) []term {
	var out []term
	for _, w := range words {
		if w == "" {
			return nil
		}
		out = append(out, term{key: wordKey, value: w})
	}
	return out
}

// equalities returns the terms for an expression that has one of some literal values, or nil.
func equalities(left ast.Expr, values ...ast.Expr) []term {
	var out []term
	for _, v := range values {
		value, ok := literal(v)
		key := indexKey(left)
		if key == wordKey {
			value = fold(value)
		}
		if !ok || key == "" || key == wordKey && value == "" {
			return nil
		}
		out = append(out, term{key: key, value: value})
	}
	return out
}

// indexKey returns the key of a variable, an attribute or a part of one, or "" for other expressions.
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

// betterTerms returns the terms that fewer inputs are likely to have.
func betterTerms(x, y []term) []term {
	if a, b := rankAll(x), rankAll(y); b > a || b == a && len(y) < len(x) {
		return y
	}
	return x
}

// rankAll returns the rank of the most likely term, -1 without terms.
func rankAll(list []term) int {
	if len(list) == 0 {
		return -1
	}
	least := rank(list[0])
	for _, t := range list[1:] {
		least = min(least, rank(t))
	}
	return least
}

// rank prefers attributes, senders and long words, which differ more than roles and channels.
func rank(t term) int {
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
