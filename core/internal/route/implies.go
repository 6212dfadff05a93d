package route

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// implies reports whether the forms of two expressions prove that q is true whenever p is. The result false means that
// this is not proved.
func (l *language) implies(p, q ast.Expr) bool {
	if l.key(p) == l.key(q) {
		return true
	}
	if x, y, ok := binaryOperands(q, "_&&_"); ok {
		return l.implies(p, x) && l.implies(p, y)
	}
	if x, y, ok := binaryOperands(p, "_||_"); ok {
		return l.implies(x, q) && l.implies(y, q)
	}
	if x, y, ok := binaryOperands(p, "_&&_"); ok && (l.implies(x, q) || l.implies(y, q)) {
		return true
	}
	if x, y, ok := binaryOperands(q, "_||_"); ok {
		return l.implies(p, x) || l.implies(p, y)
	}
	return l.impliesMention(p, q) || l.impliesText(p, q) || impliesNumber(p, q)
}

func binaryOperands(e ast.Expr, operator string) (x, y ast.Expr, ok bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return nil, nil, false
	}
	return e.AsCall().Args()[0], e.AsCall().Args()[1], true
}

// impliesMention reports whether p and q are calls of mentions, and the list of q contains the list of p.
func (l *language) impliesMention(p, q ast.Expr) bool {
	few, ok := l.mentionList(p)
	more, also := l.mentionList(q)
	return ok && also && !slices.ContainsFunc(few, func(w phrase) bool { return !slices.Contains(more, w) })
}

// mentionList returns the phrases if an expression is a call of mentions.
func (l *language) mentionList(e ast.Expr) ([]phrase, bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "@mentions" {
		return nil, false
	}
	n, ok := e.AsCall().Args()[1].AsLiteral().(types.Int)
	return l.lists[n], ok
}

// impliesText reports whether p requires that a variable has one of some texts, and q is true for each of them.
func (l *language) impliesText(p, q ast.Expr) bool {
	key, values := oneOf(p)
	if key == "" {
		return false
	}
	for _, v := range values {
		a := assumption{key: v}
		if role, known := l.channels[v]; known && key == "owner" {
			a["owner_role"] = string(role)
		} else if known && key == "channel" {
			a["role"] = string(role)
		}
		if a.eval(q) != always {
			return false
		}
	}
	return true
}

// oneOf returns the variable and the texts of an expression such as owner == "a" or owner in ["a", "b"].
func oneOf(e ast.Expr) (key string, values []string) {
	x, y, equal := binaryOperands(e, "_==_")
	if !equal {
		var in bool
		if x, y, in = binaryOperands(e, "@in"); !in || y.Kind() != ast.ListKind {
			return "", nil
		}
	}
	uses := comparedTexts(e)
	if len(uses) != 1 {
		return "", nil
	}
	for key, values := range uses {
		if equal || textKey(x) == key && len(values) == y.AsList().Size() {
			return key, values
		}
	}
	return "", nil
}

// impliesNumber reports whether p and q compare the same variable with integers, by the same operator, and the bound
// of p implies that of q: handovers > 3 implies handovers > 2.
func impliesNumber(p, q ast.Expr) bool {
	for _, operator := range []string{"_>_", "_>=_", "_<_", "_<=_"} {
		x, a, ok := binaryOperands(p, operator)
		y, b, also := binaryOperands(q, operator)
		if !ok || !also || x.Kind() != ast.IdentKind || !isIdent(y, x.AsIdent()) {
			continue
		}
		m, isInt := integerOf(a)
		n, alsoInt := integerOf(b)
		if strings.Contains(operator, ">") {
			return isInt && alsoInt && m >= n
		}
		return isInt && alsoInt && m <= n
	}
	return false
}

func integerOf(e ast.Expr) (types.Int, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	n, ok := e.AsLiteral().(types.Int)
	return n, ok
}

// key returns a text that is the same for equal expressions.
func (l *language) key(e ast.Expr) string {
	if k, ok := l.keys[e]; ok {
		return k
	}
	k := l.makeKey(e)
	l.keys[e] = k
	return k
}

func (l *language) makeKey(e ast.Expr) string {
	if words, ok := l.mentionList(e); ok {
		return fmt.Sprintf("mentions%+v", words)
	}
	var parts []ast.Expr
	name := ""
	switch e.Kind() {
	case ast.LiteralKind:
		return fmt.Sprintf("%s:%v", e.AsLiteral().Type().TypeName(), strconv.Quote(fmt.Sprint(e.AsLiteral().Value())))
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		return l.key(e.AsSelect().Operand()) + "." + e.AsSelect().FieldName()
	case ast.ListKind:
		name, parts = "[", e.AsList().Elements()
	case ast.CallKind:
		name, parts = e.AsCall().FunctionName(), slices.Clone(e.AsCall().Args())
		if e.AsCall().IsMemberFunction() {
			name, parts = "."+name, slices.Insert(parts, 0, e.AsCall().Target())
		}
	default:
		return fmt.Sprintf("#%d %p", e.ID(), e) // equal to no other expression
	}
	keys := make([]string, len(parts))
	for i, part := range parts {
		keys[i] = l.key(part)
	}
	if slices.Contains([]string{"_&&_", "_||_", "_==_", "_!=_"}, name) {
		slices.Sort(keys)
	}
	return name + "(" + strings.Join(keys, ",") + ")"
}
