package route

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// truth is the result of an expression if some of its values are not known.
type truth int

const (
	unknown truth = iota
	never
	always
)

func truthOf(b bool) truth {
	if b {
		return always
	}
	return never
}

func (t truth) not() truth {
	switch t {
	case never:
		return always
	case always:
		return never
	}
	return unknown
}

// assumption has the known values: of variables by name, and of attributes by textKey.
type assumption map[string]string

// eval evaluates an expression as far as the assumption decides it.
func (a assumption) eval(e ast.Expr) truth {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return truthOf(bool(b))
		}
	case ast.CallKind:
		return a.call(e.AsCall())
	}
	return unknown
}

func (a assumption) call(call ast.CallExpr) truth {
	args := call.Args()
	switch call.FunctionName() {
	case "!_":
		return a.eval(args[0]).not()
	case "_&&_":
		x, y := a.eval(args[0]), a.eval(args[1])
		switch {
		case x == never || y == never:
			return never
		case x == always && y == always:
			return always
		}
	case "_||_":
		x, y := a.eval(args[0]), a.eval(args[1])
		switch {
		case x == always || y == always:
			return always
		case x == never && y == never:
			return never
		}
	case "_==_":
		return a.equal(args[0], args[1])
	case "_!=_":
		return a.equal(args[0], args[1]).not()
	case "@in":
		return a.in(args[0], args[1])
	case "@mentions":
		if text, known := a["text"]; known && text == "" {
			return never
		}
	case "contains", "startsWith", "endsWith":
		text, known := a["text"]
		if part, ok := literal(args[0]); known && ok && isIdent(call.Target(), "text") && text == "" && part != "" {
			return never
		}
	}
	return unknown
}

func isIdent(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

func (a assumption) equal(x, y ast.Expr) truth {
	left, ok := a.text(x)
	right, also := a.text(y)
	if !ok || !also {
		return unknown
	}
	return truthOf(left == right)
}

func (a assumption) in(x, list ast.Expr) truth {
	if list.Kind() != ast.ListKind {
		return unknown
	}
	out := never
	for _, item := range list.AsList().Elements() {
		switch a.equal(x, item) {
		case always:
			return always
		case unknown:
			out = unknown
		}
	}
	return out
}

// text returns the value of a text, if it is known.
func (a assumption) text(e ast.Expr) (string, bool) {
	if s, ok := literal(e); ok {
		return s, true
	}
	s, ok := a[textKey(e)]
	return s, ok
}

// textKey returns the key of a variable or attribute in an assumption, or "" for other expressions.
func textKey(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.CallKind:
		key := "@"
		for _, arg := range e.AsCall().Args()[min(1, len(e.AsCall().Args())):] {
			name, ok := literal(arg)
			if !ok {
				return ""
			}
			key += name + "\x00"
		}
		if name := e.AsCall().FunctionName(); name == "@attr" || name == "@data" {
			return key
		}
	}
	return ""
}

// comparedTexts returns the texts that an expression compares with variables and attributes, by textKey.
func comparedTexts(e ast.Expr) map[string][]string {
	out := map[string][]string{}
	add := func(x, value ast.Expr) {
		if key := textKey(x); key != "" {
			if s, ok := literal(value); ok && !slices.Contains(out[key], s) {
				out[key] = append(out[key], s)
			}
		}
	}
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case "_==_", "_!=_":
			add(args[0], args[1])
			add(args[1], args[0])
		case "@in":
			if args[1].Kind() == ast.ListKind {
				for _, item := range args[1].AsList().Elements() {
					add(args[0], item)
				}
			}
		}
	}))
	return out
}

// conjuncts returns the operands of a chain of &&, in order. Any other expression is its only conjunct.
func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_&&_" {
		args := e.AsCall().Args()
		return append(conjuncts(args[0]), conjuncts(args[1])...)
	}
	return []ast.Expr{e}
}
