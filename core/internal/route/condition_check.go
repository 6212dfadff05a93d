package route

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"patchbay/core/internal/finding"
)

// checkTree finds mistakes that pass the type checker: unknown channels and roles, and patterns that are computed or
// contain control characters.
func (l *language) checkTree(tree *cel.Ast) []Problem {
	var out []Problem
	native := tree.NativeRep()
	report := func(code finding.Code, e ast.Expr, message, suggestion string) {
		loc := native.SourceInfo().GetStartLocation(e.ID())
		out = append(out, Problem{Code: code, Line: loc.Line(), Column: loc.Column() + 1, Message: message,
			Suggestion: suggestion})
	}
	ast.PreOrderVisit(native.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		args := call.Args()
		switch call.FunctionName() {
		case "matches":
			l.checkPattern(args[len(args)-1], report)
		case "@open":
			l.checkName("channel", args[1], report)
		case "_==_", "_!=_":
			l.checkCompared(args[0], args[1], report)
			l.checkCompared(args[1], args[0], report)
			checkNumber(native, args, report)
		case "_<_", "_<=_", "_>_", "_>=_":
			checkNumber(native, args, report)
		case "@in":
			if args[1].Kind() == ast.ListKind {
				for _, item := range args[1].AsList().Elements() {
					l.checkCompared(args[0], item, report)
				}
			}
		}
	}))
	return out
}

type reporter func(code finding.Code, e ast.Expr, message, suggestion string)

func (l *language) checkPattern(e ast.Expr, report reporter) {
	s, ok := literal(e)
	if !ok {
		report(finding.InvalidPattern, e, `a pattern must be a literal, such as text.matches(r"^\d+$")`, "")
		return
	}
	if r, bad := controlCharacter(s); bad {
		report(finding.ControlCharacter, e, controlMessage(r), "")
	}
	if r := boundaryNextTo(s); r != 0 {
		report(finding.ASCIIWordBoundary, e,
			fmt.Sprintf(`\b knows only ASCII letters and digits, so next to %q it does not find `+
				`the end of a word; leave it out there, or use mentions`, r), "")
	}
}

// checkCompared checks a literal that is compared with a variable.
func (l *language) checkCompared(variable, value ast.Expr, report reporter) {
	if variable.Kind() == ast.IdentKind {
		l.checkName(variable.AsIdent(), value, report)
	}
}

// checkNumber reports a comparison of number() with a value that is not a number: it is never true.
func checkNumber(tree *ast.AST, args []ast.Expr, report reporter) {
	for i, e := range args {
		other := args[1-i]
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "number" {
			continue
		}
		if t := tree.GetType(other.ID()); t.Kind() != types.DynKind && typeName(t) != "a number" {
			report(finding.ConditionType, other, "number() is a number, which cannot be compared with "+typeName(t), "")
		}
	}
}

func (l *language) checkName(variable string, value ast.Expr, report reporter) {
	name, ok := literal(value)
	if !ok {
		return
	}
	switch variable {
	case "channel", "owner", "home", "pending", "customer":
		if _, known := l.channels[name]; known || name == "" {
			return
		}
		report(finding.UnknownChannel, value, fmt.Sprintf("there is no channel %q", name), Closest(name,
			l.channels.Names()))
	case "role", "owner_role":
		if name == "" || slices.Contains(roles, name) {
			return
		}
		report(finding.UnknownRole, value, fmt.Sprintf("there is no role %q; roles are %s", name, strings.Join(roles,
			", ")),
			Closest(name, roles))
	}
}

// Names returns the channels' names, sorted.
func (ch Channels) Names() []string {
	out := make([]string, 0, len(ch))
	for name := range ch {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
