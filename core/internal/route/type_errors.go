package route

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	"patchbay/core/internal/finding"
)

// typeProblems returns the type checker's errors up to the first use of a loop. Later errors can be its consequences.
func (l *language) typeProblems(parsed *cel.Ast, issues *cel.Issues) []Problem {
	exprs := exprsByID(parsed)
	var out []Problem
	for _, issue := range issues.Errors() {
		p := problemAt(finding.ConditionType, issue)
		e := exprs[issue.ExprID]
		if e == nil {
			out = append(out, p)
			continue
		}
		if t := l.typeOf(e); t != nil { // the part is valid, but not in its place
			p.Message = "must be true or false here, this is " + typeName(t)
			out = append(out, p)
			continue
		}
		switch e.Kind() {
		case ast.IdentKind:
			p.Code = finding.UnknownVariable
			if e.AsIdent() == "now" {
				p.Message = "now has the fields now.hour, now.weekday and now.date"
				break
			}
			p.Variable = strings.Join(append([]string{e.AsIdent()}, memberPath(exprs, e)...), ".")
			p.Message, p.Suggestion = l.declared.UnknownVariable(p.Variable)
		case ast.SelectKind:
			p.Message = fmt.Sprintf("a variable has no fields such as %q", e.AsSelect().FieldName())
		case ast.CallKind:
			if l.env.HasFunction(e.AsCall().FunctionName()) {
				p.Message = l.overloadMessage(e.AsCall())
				break
			}
			p.Code = finding.UnknownFunction
			name := e.AsCall().FunctionName()
			p.Column = max(1, p.Column-utf8.RuneCountInString(name)) // the checker's position is the parenthesis
			if slices.Contains(loops, name) {
				p.Message = fmt.Sprintf(`%s: conditions have no loops; test a list with "image" in parts`, name)
				return append(out, p)
			}
			p.Message = fmt.Sprintf("undeclared reference to %q", name)
			if p.Suggestion = closestFunction(name); p.Suggestion == "" {
				p.Message += "; functions are " + strings.Join(functionNames, ", ")
			}
		}
		if p.Message != "" {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		out = append(out, problemAt(finding.ConditionType, issues.Errors()[0]))
	}
	return out
}

// exprsByID returns all expressions of a condition by their ids.
func exprsByID(parsed *cel.Ast) map[int64]ast.Expr {
	exprs := map[int64]ast.Expr{}
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) { exprs[e.ID()] = e }))
	return exprs
}

var loops = []string{"exists", "exists_one", "all", "map", "filter"}

// otherNames maps the names of functions in other languages to ours.
var otherNames = map[string]string{
	"len": "size", "length": "size", "lenght": "size", "count": "size", "match": "matches", "regex": "matches",
	"attribute": "attr", "attributes": "attr", "is_open": "open", "hasPrefix": "startsWith", "hasSuffix": "endsWith",
}

func closestFunction(name string) string {
	if other := otherNames[name]; other != "" {
		return other
	}
	return Closest(name, functionNames)
}

func variableNames() []string {
	var out []string
	for _, v := range variables {
		out = append(out, v.name)
	}
	return out
}

// overloadMessage returns a message with the types to which a function or operator cannot be applied. It returns "" if
// an argument is invalid, because that error is reported too.
func (l *language) overloadMessage(call ast.CallExpr) string {
	args := slices.Clone(call.Args())
	if call.IsMemberFunction() {
		args = slices.Insert(args, 0, call.Target())
	}
	var names []string
	for _, arg := range args {
		if arg.Kind() == ast.IdentKind && arg.AsIdent() == self {
			continue
		}
		t := l.typeOf(arg)
		if t == nil {
			return ""
		}
		names = append(names, typeName(t))
	}
	name := strings.TrimPrefix(call.FunctionName(), "@")
	switch {
	case name == "_?_:_":
		return "both results of ?: must have the same type"
	case name == "in" || strings.Contains(name, "_"):
		message := fmt.Sprintf("%s cannot be applied to %s", strings.Trim(name, "_"), strings.Join(names, " and "))
		if slices.Contains(names, "a duration") && slices.Contains(names, "a number") {
			message += `; write the number as a duration, such as duration("60s")`
		}
		return message
	}
	return fmt.Sprintf("%s cannot be called with %s", name, strings.Join(names, ", "))
}

// typeOf returns the type of an expression in a condition, or nil if the expression is invalid.
func (l *language) typeOf(e ast.Expr) *cel.Type {
	part, err := ast.ExprToProto(e)
	if err != nil {
		return nil
	}
	tree, issues := l.env.Check(cel.ParsedExprToAst(&exprpb.ParsedExpr{Expr: part}))
	if issues.Err() != nil {
		return nil
	}
	return tree.OutputType()
}

func typeName(t *cel.Type) string {
	switch {
	case t.Kind() == types.DynKind:
		return "a value of unknown type"
	case t.Kind() == types.StringKind:
		return "a text"
	case t.Kind() == types.BoolKind:
		return "true or false"
	case t.Kind() == types.IntKind || t.Kind() == types.UintKind || t.Kind() == types.DoubleKind:
		return "a number"
	case t.Kind() == types.ListKind:
		return "a list"
	case t.Kind() == types.DurationKind:
		return "a duration"
	}
	return "a " + t.TypeName()
}
