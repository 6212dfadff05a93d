package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// unknownVariable returns the problem of a variable that does not exist, from which a condition reads the members of
// the path.
func unknownVariable(name string, path []string) (message, suggestion string) {
	message = fmt.Sprintf("undeclared reference to %q", name)
	known := variableNames()
	whole := strings.Join(append([]string{name}, path...), ".")
	suggestion = cmp.Or(Closest(name, known), Closest(whole, known)) // ownr, sender.id
	switch {
	case suggestion != "":
	case len(path) == 0:
		message += "; variables are " + strings.Join(known, ", ")
	case slices.Contains(known, path[0]): // message.text
		suggestion = path[0]
	default:
		message += memberHint(AnyAttribute, strings.Join(path, "."))
	}
	return message, suggestion
}

// memberPath returns the members that a condition reads from a variable: order and tier for payload.order.tier.
func memberPath(exprs map[int64]ast.Expr, variable ast.Expr) []string {
	selects := map[int64]ast.Expr{} // by operand
	for _, e := range exprs {
		if e.Kind() == ast.SelectKind {
			selects[e.AsSelect().Operand().ID()] = e
		}
	}
	var path []string
	for e := selects[variable.ID()]; e != nil; e = selects[e.ID()] {
		path = append(path, e.AsSelect().FieldName())
	}
	return path
}
