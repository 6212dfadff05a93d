package route

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"patchbay/core/internal/finding"
	"patchbay/sdk/text"
)

// maxCondition bounds a condition, in characters.
const maxCondition = 4 << 10

// condition is a compiled `when`.
type condition struct {
	source  string
	program cel.Program
	// terms are equalities that the condition implies. The index uses one of them to skip rules that cannot match.
	terms []term
	never bool // the literal false
}

// term is the equality of a variable or attribute with a fixed value.
type term struct {
	key   string // the variable's name, or "@" and the attribute's name
	value string
}

// language compiles conditions. It keeps the lists of all mentions; programs refer to them by number.
type language struct {
	env      *cel.Env
	strict   *cel.Env // env with checks of literals
	channels Channels
	lists    [][]phrase
}

func newLanguage(ch Channels) (*language, error) {
	l := &language{channels: ch}
	opts := []cel.EnvOption{
		cel.ClearMacros(), cel.Macros(append(l.macros(), cel.HasMacro)...),
		cel.ParserExpressionSizeLimit(maxCondition), cel.ParserRecursionLimit(64),
		cel.Variable(self, cel.DynType),
		function("@attr", cel.StringType, cel.StringType, func(in *input, k ref.Val) ref.Val {
			return types.String(in.facts.Attributes[string(k.(types.String))])
		}),
		function("@open", cel.StringType, cel.BoolType, func(in *input, ch ref.Val) ref.Val {
			return types.Bool(in.open(string(ch.(types.String))))
		}),
		function("@bucket", cel.StringType, cel.IntType, func(in *input, salt ref.Val) ref.Val {
			return types.Int(bucket(string(salt.(types.String)), in.facts.Customer, in.facts.CustomerID))
		}),
		function("@mentions", cel.IntType, cel.BoolType, func(in *input, list ref.Val) ref.Val {
			return types.Bool(in.mentions(l.lists[list.(types.Int)]))
		}),
	}
	for _, v := range variables {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("set up the language of conditions: %w", err)
	}
	strict, err := env.Extend(cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
		cel.ValidateRegexLiterals(), cel.ValidateHomogeneousAggregateLiterals()))
	if err != nil {
		return nil, fmt.Errorf("set up the checks of literals: %w", err)
	}
	l.env, l.strict = env, strict
	return l, nil
}

// function declares a function of the hidden input and one argument.
func function(name string, arg, result *cel.Type, do func(*input, ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name, []*cel.Type{cel.DynType, arg}, result,
		cel.BinaryBinding(func(in, v ref.Val) ref.Val { return do(in.(*input), v) })))
}

// compile compiles a condition. Its problems have no Rule, Index and Field.
func (l *language) compile(source string) (*condition, []Problem) {
	if p := checkCharacters(source); p != nil {
		return nil, []Problem{*p}
	}
	parsed, issues := l.env.Parse(source)
	if issues.Err() != nil {
		return nil, syntaxProblems(source, issues)
	}
	tree, issues := l.env.Check(parsed)
	if issues.Err() != nil {
		return nil, l.typeProblems(parsed, issues)
	}
	if _, issues := l.strict.Check(parsed); issues.Err() != nil {
		return nil, literalProblems(parsed, issues)
	}
	c := &condition{source: source}
	problems := l.checkTree(tree)
	if tree.OutputType() != cel.BoolType {
		problems = append(problems, Problem{Code: finding.ConditionType, Line: 1, Column: 1, Message: fmt.Sprintf(
			"a condition must be true or false, this is %s; compare it with a value", typeName(tree.OutputType()))})
	}
	if p := l.checkCost(tree); p != nil && len(problems) == 0 {
		problems = append(problems, *p)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	root := tree.NativeRep().Expr()
	c.never = root.Kind() == ast.LiteralKind && root.AsLiteral() == types.False
	c.terms = terms(root, nil)
	prg, err := l.env.Program(tree, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, []Problem{{Code: finding.ConditionSyntax, Line: 1, Column: 1,
			Message: "cannot be compiled: " + text.FirstLine(err.Error())}}
	}
	c.program = prg
	return c, nil
}

// holds evaluates the condition. Its error never contains text of the message.
func (c *condition) holds(in *input) (bool, error) {
	out, _, err := c.program.Eval(in)
	if err != nil {
		return false, runtimeError(err)
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, errors.New("the condition is neither true nor false")
	}
	return bool(b), nil
}

// runtimeError keeps the kinds of failure that are safe to show; texts of the library can quote the message.
func runtimeError(err error) error {
	for _, known := range []string{
		"divi", "modulus by zero", "overflow", "index out of bounds", "no such overload",
	} {
		if !strings.Contains(err.Error(), known) {
			continue
		}
		if known == "divi" {
			return errors.New("division by zero")
		}
		return errors.New(known)
	}
	return errors.New("a value cannot be converted or looked up")
}

// terms collects the equalities of the outermost conjunction.
func terms(e ast.Expr, out []term) []term {
	if e.Kind() != ast.CallKind {
		return out
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case "_&&_":
		for _, a := range call.Args() {
			out = terms(a, out)
		}
	case "_==_":
		a, b := call.Args()[0], call.Args()[1]
		if t, ok := equality(a, b); ok {
			return append(out, t)
		}
		if t, ok := equality(b, a); ok {
			return append(out, t)
		}
	}
	return out
}

func equality(left, right ast.Expr) (term, bool) {
	value, ok := literal(right)
	if !ok {
		return term{}, false
	}
	switch left.Kind() {
	case ast.IdentKind:
		if _, isText := (&Facts{}).shortText(left.AsIdent()); isText {
			return term{key: left.AsIdent(), value: value}, true
		}
	case ast.CallKind:
		if call := left.AsCall(); call.FunctionName() == "@attr" {
			name, ok := literal(call.Args()[1])
			return term{key: "@" + name, value: value}, ok
		}
	}
	return term{}, false
}

// literal returns a text literal's value.
func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
