package route

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// macros add the hidden first argument to calls, and check the number of arguments and the literals among them.
func (l *language) macros() []cel.Macro {
	return []cel.Macro{
		textFunction("attr", 1, `one argument, the attribute's name: attr("tier")`),
		textFunction("data", 2, `two arguments, an attribute with JSON and a path in it: data("native.custom_payload", `+
			`"order.tier")`),
		textFunction("open", 1, `one argument, the channel's name: open("desk")`),
		textFunction("bucket", 1, `one argument, a text that distinguishes experiments: bucket("greeting")`),
		cel.GlobalVarArgMacro("mentions", l.expandMentions),
	}
}

// textFunction returns the macro of a function that takes n texts.
func textFunction(name string, n int, want string) cel.Macro {
	expand := func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		if len(args) != n {
			return nil, eh.NewError(eh.NewIdent(self).ID(), fmt.Sprintf("%s takes %s", name, want))
		}
		for _, arg := range args {
			if arg.Kind() != ast.LiteralKind {
				continue
			}
			if _, ok := arg.AsLiteral().(types.String); !ok {
				return nil, eh.NewError(arg.ID(), fmt.Sprintf("%s takes texts: %s", name, want))
			}
		}
		return eh.NewCall("@"+name, append([]ast.Expr{eh.NewIdent(self)}, args...)...), nil
	}
	return cel.GlobalVarArgMacro(name, expand)
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
