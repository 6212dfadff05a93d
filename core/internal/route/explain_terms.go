package route

import (
	"fmt"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"

	"patchbay/sdk/text"
)

// Term is a condition or an operand of a logical operator in it, with its value.
type Term struct {
	Text  string `json:"text"`  // as in the rule
	Value string `json:"value"` // true, false, or the kind of failure
	// Terms are the operands of a chain of && or ||, of ! or of ?:. Any other term has Values.
	Terms  []Term      `json:"terms,omitempty"`
	Values []TermValue `json:"values,omitempty"`
}

// TermValue is the value of a variable or of a function's call in a term.
type TermValue struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// logicalOperators are the operators that join terms.
var logicalOperators = []string{"_&&_", "_||_", "!_", "_?_:_"}

// maxShown is the maximum length of a shown value, in bytes.
const maxShown = 120

// explainer shows the values in one evaluated condition.
type explainer struct {
	info  *ast.SourceInfo
	state interpreter.EvalState
	facts *Facts
}

// explain evaluates all terms of a condition, including those that && and || skip. It returns nil if the condition cannot
// be compiled, which is not possible for a condition of a table.
func (l *language) explain(source string, f *Facts) *Term {
	env, err := l.env.Extend(cel.EnableMacroCallTracking())
	if err != nil {
		return nil
	}
	tree, issues := env.Compile(source)
	if issues.Err() != nil {
		return nil
	}
	prg, err := env.Program(tree, cel.EvalOptions(cel.OptExhaustiveEval))
	if err != nil {
		return nil
	}
	_, details, _ := prg.Eval(&input{facts: f}) // the details have the value or the error of each term
	e := &explainer{info: tree.NativeRep().SourceInfo(), state: details.State(), facts: f}
	t := e.term(tree.NativeRep().Expr())
	t.Text = source
	return &t
}

func (e *explainer) term(x ast.Expr) Term {
	t := Term{Text: e.source(x), Value: e.value(x)}
	if x.Kind() == ast.CallKind && slices.Contains(logicalOperators, x.AsCall().FunctionName()) {
		for _, operand := range operands(x) {
			t.Terms = append(t.Terms, e.term(operand))
		}
		return t
	}
	e.collect(x, x, &t)
	return t
}

// operands returns the operands of a logical operator. A chain of the same operator has all operands of the chain.
func operands(x ast.Expr) []ast.Expr {
	name := x.AsCall().FunctionName()
	var out []ast.Expr
	for _, arg := range x.AsCall().Args() {
		chained := (name == "_&&_" || name == "_||_") && arg.Kind() == ast.CallKind && arg.AsCall().FunctionName() == name
		if chained {
			out = append(out, operands(arg)...)
			continue
		}
		out = append(out, arg)
	}
	return out
}

// collect adds the values of the variables and calls in the term root, starting at x.
func (e *explainer) collect(root, x ast.Expr, t *Term) {
	add := func() {
		v := TermValue{Text: e.source(x), Value: e.value(x)}
		if x != root && !slices.Contains(t.Values, v) {
			t.Values = append(t.Values, v)
		}
	}
	switch x.Kind() {
	case ast.IdentKind:
		add()
	case ast.ListKind:
		for _, item := range x.AsList().Elements() {
			e.collect(root, item, t)
		}
	case ast.CallKind:
		call := x.AsCall()
		if takesInput(call) {
			add()
			if call.FunctionName() == "@mentions" {
				t.Values = append(t.Values, TermValue{Text: "text", Value: show(types.String(e.facts.Text))})
			}
			return
		}
		if call.IsMemberFunction() {
			e.collect(root, call.Target(), t)
		}
		for _, arg := range call.Args() {
			e.collect(root, arg, t)
		}
	}
}

// takesInput reports whether the first argument of a call is the hidden variable.
func takesInput(call ast.CallExpr) bool {
	args := call.Args()
	return len(args) > 0 && args[0].Kind() == ast.IdentKind && args[0].AsIdent() == self
}

// source returns the text of an expression.
func (e *explainer) source(x ast.Expr) string {
	out, err := parser.Unparse(x, e.info)
	if err != nil {
		return "…"
	}
	return out
}

// value returns the value of an expression as it is written in a condition.
func (e *explainer) value(x ast.Expr) string {
	v, found := e.state.Value(x.ID())
	if !found {
		return "not evaluated"
	}
	return show(v)
}

func show(v ref.Val) string {
	switch v := v.(type) {
	case types.String:
		if len(v) > maxShown {
			return strconv.Quote(text.Clip(string(v), maxShown)) + "…"
		}
		return strconv.Quote(string(v))
	case types.Duration:
		return v.Duration.String()
	case *types.Err:
		return "fails: " + runtimeError(v).Error()
	case types.Bool, types.Int, types.Double, types.Uint:
		return fmt.Sprint(v.Value())
	}
	if list, ok := v.Value().([]string); ok {
		return text.Clip(fmt.Sprintf("%q", list), maxShown)
	}
	return text.FirstLine(fmt.Sprint(v.Value()))
}
