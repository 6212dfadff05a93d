package route

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// macros add the hidden first argument to the functions, and check the arguments as far as no types are needed.
func (l *language) macros() []cel.Macro {
	return []cel.Macro{
		cel.GlobalVarArgMacro("attr", textFunction("attr", `the attribute's name: attr("tier")`)),
		cel.GlobalVarArgMacro("open", textFunction("open", `the channel's name: open("desk")`)),
		cel.GlobalVarArgMacro("bucket", textFunction("bucket",
			`a text that distinguishes experiments: bucket("greeting")`)),
		cel.GlobalVarArgMacro("mentions", l.expandMentions),
	}
}

func textFunction(name, want string) cel.MacroFactory {
	return func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		if len(args) != 1 {
			return nil, eh.NewError(eh.NewIdent(self).ID(), fmt.Sprintf("%s takes one argument, %s", name, want))
		}
		if args[0].Kind() == ast.LiteralKind {
			if _, ok := args[0].AsLiteral().(types.String); !ok {
				return nil, eh.NewError(args[0].ID(), fmt.Sprintf("%s takes a text, %s", name, want))
			}
		}
		return eh.NewCall("@"+name, eh.NewIdent(self), args[0]), nil
	}
}

func (l *language) expandMentions(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	const want = `mentions takes a list of words or phrases: mentions(["agent", "human"])`
	if len(args) != 1 {
		return nil, eh.NewError(eh.NewIdent(self).ID(), want)
	}
	if args[0].Kind() != ast.ListKind || args[0].AsList().Size() == 0 {
		return nil, eh.NewError(args[0].ID(), want)
	}
	var list []phrase
	for _, e := range args[0].AsList().Elements() {
		s, ok := literal(e)
		if !ok {
			return nil, eh.NewError(e.ID(), want)
		}
		p := newPhrase(s)
		if p.folded == "" {
			return nil, eh.NewError(e.ID(), "an empty word is contained in every message")
		}
		if r, bad := controlCharacter(s); bad {
			return nil, eh.NewError(e.ID(), controlMessage(r))
		}
		list = append(list, p)
	}
	l.lists = append(l.lists, list)
	return eh.NewCall("@mentions", eh.NewIdent(self), eh.NewLiteral(types.Int(len(l.lists)-1))), nil
}
