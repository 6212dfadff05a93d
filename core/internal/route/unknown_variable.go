package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// UnknownVariable returns the problem of a variable that does not exist. The dotted name contains the members that the
// condition reads from the variable: order and tier in payload.order.tier.
func (d *Declared) UnknownVariable(dotted string) (message, suggestion string) {
	name, path, _ := strings.Cut(dotted, ".")
	first, _, _ := strings.Cut(path, ".")
	known := variableNames()
	message = fmt.Sprintf("undeclared reference to %q", name)
	_, declared := d.Attributes[dotted]
	switch {
	case declared: // tier, native.custom_payload
		return message, attributeCall(dotted)
	case path != "" && cmp.Or(otherNames[name], name) == "attr": // attr.tier
		return message, attributeCall(path)
	}
	suggestion = cmp.Or(Closest(name, known), Closest(dotted, known)) // ownr, sender.id
	switch attribute := d.withSuffix(path); {
	case suggestion != "":
	case slices.Contains(known, first): // message.text
		suggestion = first
	case attribute != "": // sender.email
		suggestion = attributeCall(attribute)
	case path == "":
		message += "; variables are " + strings.Join(known, ", ")
	default:
		json := cmp.Or(d.JSONAttribute(), AnyAttribute)
		if _, member, ok := strings.Cut(dotted, json+"."); ok { // native.custom_payload.tier
			path = member
		}
		message += fmt.Sprintf("; an attribute is %s, %s", attributeCall("NAME"), memberHint(json, path))
	}
	return message, suggestion
}

func attributeCall(name string) string { return fmt.Sprintf("attr(%q)", name) }

// memberPath returns the members that a condition reads from a variable: order and tier for payload.order.tier and for
// payload["order"]["tier"].
func memberPath(exprs map[int64]ast.Expr, variable ast.Expr) []string {
	type member struct {
		name string
		expr ast.Expr
	}
	members := map[int64]member{} // by operand
	for _, e := range exprs {
		switch {
		case e.Kind() == ast.SelectKind:
			members[e.AsSelect().Operand().ID()] = member{e.AsSelect().FieldName(), e}
		case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_[_]":
			if name, ok := literal(e.AsCall().Args()[1]); ok {
				members[e.AsCall().Args()[0].ID()] = member{name, e}
			}
		}
	}
	var path []string
	for m, ok := members[variable.ID()]; ok; m, ok = members[m.expr.ID()] {
		path = append(path, m.name)
	}
	return path
}
