package route

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// term is the equality of a variable, an attribute or a part of one with a fixed value.
type term struct {
	key   string // the variable's name; "@" and the attribute's name; "#", its name, a zero byte and the path of data()
	value string
}

// terms collects the equalities of the outermost conjunction.
func terms(e ast.Expr, out []term) []term {
	if e.Kind() != ast.CallKind {
		return out
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case "_&&_":
		for _, a := range call.Args() {
			out = terms(a, out)
		}
	case "_==_":
		a, b := call.Args()[0], call.Args()[1]
		if t, ok := equality(a, b); ok {
			return append(out, t)
		}
		if t, ok := equality(b, a); ok {
			return append(out, t)
		}
	}
	return out
}

func equality(left, right ast.Expr) (term, bool) {
	value, ok := literal(right)
	if !ok {
		return term{}, false
	}
	switch left.Kind() {
	case ast.IdentKind:
		if _, isText := (&Facts{}).shortText(left.AsIdent()); isText {
			return term{key: left.AsIdent(), value: value}, true
		}
	case ast.CallKind:
		switch call := left.AsCall(); call.FunctionName() {
		case "@attr":
			name, ok := literal(call.Args()[1])
			return term{key: "@" + name, value: value}, ok
		case "@data":
			name, first := literal(call.Args()[1])
			path, second := literal(call.Args()[2])
			return term{key: "#" + name + "\x00" + path, value: value}, first && second
		}
	}
	return term{}, false
}

// literal returns a text literal's value.
func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
