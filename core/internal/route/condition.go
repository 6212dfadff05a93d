package route

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"patchbay/core/internal/finding"
	"patchbay/sdk/text"
)

// maxCondition bounds a condition, in characters.
const maxCondition = 4 << 10

// condition is a compiled `when`.
type condition struct {
	source  string
	program cel.Program
	// An input must have at least one of these facts for the condition to hold. The index skips the rule for other
	// inputs. If requirements is empty, the condition can hold for any input.
	requirements        []requirement
	never               bool  // the literal false
	attributes, reasons []use // names that the condition contains as literals
	computed            bool  // the condition reads an attribute whose name is not a literal
	// Compile needs root and info for its checks, and then removes them.
	root ast.Expr
	info *ast.SourceInfo
}

// language compiles conditions. Programs refer to the lists of mentions by their index in lists.
type language struct {
	env      *cel.Env
	strict   *cel.Env // env with checks of literals
	channels Channels
	declared Declared // attributes that rules set
	lists    [][]phrase
	keys     map[ast.Expr]string // see key
}

// newLanguage returns the language of conditions for the given channels.
func newLanguage(ch Channels) *language {
	l := &language{channels: ch, keys: map[ast.Expr]string{}}
	opts := append(l.functions(),
		cel.ClearMacros(), cel.Macros(append(l.macros(), cel.HasMacro)...),
		cel.ParserExpressionSizeLimit(maxCondition), cel.ParserRecursionLimit(64),
		cel.Variable(self, cel.DynType))
	for _, v := range variables {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	l.env = must(cel.NewEnv(opts...))
	l.strict = must(l.env.Extend(cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
		cel.ValidateRegexLiterals(), cel.ValidateHomogeneousAggregateLiterals())))
	return l
}

func must(env *cel.Env, err error) *cel.Env {
	if err != nil {
		panic(fmt.Sprintf("set up the language of conditions: %v", err))
	}
	return env
}

// compile compiles a condition. Its problems have no Rule, Index and Field.
func (l *language) compile(source string) (*condition, []Problem) {
	if p := checkSource(source); p != nil {
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
	if hasErrors(problems) {
		return nil, problems
	}
	root := tree.NativeRep().Expr()
	c.never = root.Kind() == ast.LiteralKind && root.AsLiteral() == types.False
	c.requirements = l.requirements(root)
	c.root, c.info = root, tree.NativeRep().SourceInfo()
	c.findNames()
	prg, err := l.env.Program(tree, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, []Problem{{Code: finding.ConditionSyntax, Line: 1, Column: 1,
			Message: "cannot be compiled: " + text.FirstLine(err.Error())}}
	}
	c.program = prg
	return c, problems
}

// position returns the line and column, from 1, of an expression in the condition.
func (c *condition) position(e ast.Expr) (line, column int) {
	at := c.info.GetStartLocation(e.ID())
	column = at.Column() + 1
	if e.Kind() == ast.CallKind {
		if name, ours := strings.CutPrefix(e.AsCall().FunctionName(), "@"); ours && name != "in" {
			column = max(1, column-utf8.RuneCountInString(name)) // the location is the parenthesis
		}
	}
	return at.Line(), column
}
