package route

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// Literals returns all text literals in the conditions of all rules, and the folded words of mentions, sorted.
func (t *Table) Literals() []string {
	var out []string
	lists := t.visitConditions(func(e ast.Expr) {
		if s, ok := literal(e); ok && s != "" {
			out = append(out, s)
		}
	})
	for _, list := range lists {
		for _, p := range list {
			out = append(out, p.folded)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Numbers returns the numbers in the conditions of all rules, sorted.
func (t *Table) Numbers() []float64 {
	var out []float64
	t.visitConditions(func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		switch n := e.AsLiteral().(type) {
		case types.Int:
			out = append(out, float64(n))
		case types.Double:
			out = append(out, float64(n))
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// Buckets returns a function that returns the values of all different calls of bucket() in the conditions, for one
// customer.
func (t *Table) Buckets() func(channel, customer string) []int64 {
	var salts []string
	t.visitConditions(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "@bucket" {
			if salt, ok := literal(e.AsCall().Args()[1]); ok && !slices.Contains(salts, salt) {
				salts = append(salts, salt)
			}
		}
	})
	return func(channel, customer string) []int64 {
		var out []int64
		for _, salt := range salts {
			out = append(out, bucket(salt, channel, customer))
		}
		return out
	}
}

// visitConditions calls visit with every expression in the conditions. It returns the lists of mentions.
func (t *Table) visitConditions(visit func(ast.Expr)) [][]phrase {
	lang := newLanguage(t.channels)
	for i := range t.rules {
		if t.rules[i].when == nil {
			continue
		}
		parsed, issues := lang.env.Parse(t.rules[i].when.source)
		if issues.Err() != nil {
			continue // not possible: the condition was compiled before
		}
		ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(visit))
	}
	return lang.lists
}
