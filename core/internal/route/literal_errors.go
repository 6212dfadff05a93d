package route

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"patchbay/core/internal/finding"
)

// literalProblems returns the errors in literals.
func literalProblems(parsed *cel.Ast, issues *cel.Issues) []Problem {
	exprs := exprsByID(parsed)
	var out []Problem
	for _, issue := range issues.Errors() {
		p := problemAt(finding.ConditionType, issue)
		name := calledWith(exprs, issue.ExprID)
		if name != "" {
			p.Message = "invalid argument of " + name
		}
		value := ""
		if e := exprs[issue.ExprID]; e != nil {
			value, _ = literal(e)
		}
		switch name {
		case "matches":
			p.Code, p.Message = finding.InvalidPattern, p.Message+patternError(value)
		case "duration":
			p.Code, p.Message = finding.InvalidDuration, p.Message+"; write a number with the unit h, m, s or ms"
			p.Suggestion = inHours(value)
		}
		out = append(out, p)
	}
	return out
}

// calledWith returns the name of the function that has the expression as an argument, or "".
func calledWith(exprs map[int64]ast.Expr, id int64) string {
	for _, e := range exprs {
		if e.Kind() == ast.CallKind && slices.ContainsFunc(e.AsCall().Args(),
			func(arg ast.Expr) bool { return arg.ID() == id }) {
			return e.AsCall().FunctionName()
		}
	}
	return ""
}

// patternError returns the reason why a pattern is not a regular expression, with advice.
func patternError(pattern string) string {
	_, err := regexp.Compile(pattern)
	bad, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return ""
	}
	why := fmt.Sprintf(": %s: %s", bad.Code, bad.Expr)
	if strings.HasPrefix(bad.Expr, "(?") && strings.ContainsAny(bad.Expr, "=!") {
		why += "; patterns have no lookahead: use two conditions, such as text.matches(r\"a\") && !text.matches(r\"b\")"
	}
	return why
}

// inHours returns a number of days or weeks in hours, or "" for any other text.
func inHours(value string) string {
	for unit, factor := range map[string]int{"d": 24, "w": 7 * 24} {
		if n, err := strconv.Atoi(strings.TrimSuffix(value, unit)); err == nil && strings.HasSuffix(value, unit) {
			return strconv.Itoa(n*factor) + "h"
		}
	}
	return ""
}
