package route

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// literalProblems returns the errors in literals.
func literalProblems(parsed *cel.Ast, issues *cel.Issues) []Problem {
	exprs := exprsByID(parsed)
	var out []Problem
	for _, issue := range issues.Errors() {
		p := problemAt(issue)
		for _, e := range exprs {
			if e.Kind() == ast.CallKind && slices.ContainsFunc(e.AsCall().Args(),
				func(arg ast.Expr) bool { return arg.ID() == issue.ExprID }) {
				p.Message = "invalid argument of " + e.AsCall().FunctionName()
			}
		}
		if why := patternError(exprs[issue.ExprID]); why != "" {
			p.Message += ": " + why
		}
		out = append(out, p)
	}
	return out
}

// patternError returns the reason why a literal is not a regular expression.
func patternError(e ast.Expr) string {
	if e == nil {
		return ""
	}
	pattern, _ := literal(e)
	_, err := regexp.Compile(pattern)
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Sprintf("%s: %s", bad.Code, bad.Expr)
	}
	return ""
}
