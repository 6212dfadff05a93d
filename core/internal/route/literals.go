package route

import (
	"slices"

	"cel.dev/cel-go/common/ast"
)

// Literals returns the texts in the conditions of all rules, sorted: those that values are compared with, and the words of
// mentions.
func (t *Table) Literals() ([]string, error) {
	lang, err := newLanguage(t.channels)
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range t.rules {
		if t.rules[i].when == nil {
			continue
		}
		parsed, issues := lang.env.Parse(t.rules[i].when.source)
		if issues.Err() != nil {
			continue // not possible: the condition was compiled before
		}
		ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			if s, ok := literal(e); ok && s != "" {
				out = append(out, s)
			}
		}))
	}
	for _, list := range lang.lists {
		for _, p := range list {
			out = append(out, p.folded)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
