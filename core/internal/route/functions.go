package route

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// functionNames are the functions of conditions, ours first.
var functionNames = []string{
	"attr", "data", "number", "open", "bucket", "mentions", "matches", "contains", "startsWith", "endsWith", "size",
	"duration", "int",
}

// functions declares our functions. If the name of a function begins with @, a macro adds the input as its first
// argument.
func (l *language) functions() []cel.EnvOption {
	return []cel.EnvOption{
		function("@attr", cel.StringType, func(in *input, args ...ref.Val) ref.Val {
			return types.String(in.facts.Attributes[textOf(args[0])])
		}, cel.StringType),
		function("@data", cel.StringType, func(in *input, args ...ref.Val) ref.Val {
			return types.String(in.data(textOf(args[0]), textOf(args[1])))
		}, cel.StringType, cel.StringType),
		function("@open", cel.BoolType, func(in *input, args ...ref.Val) ref.Val {
			return types.Bool(in.open(textOf(args[0])))
		}, cel.StringType),
		function("@bucket", cel.IntType, func(in *input, args ...ref.Val) ref.Val {
			return types.Int(bucket(textOf(args[0]), in.facts.Customer, in.facts.CustomerID))
		}, cel.StringType),
		function("@mentions", cel.BoolType, func(in *input, args ...ref.Val) ref.Val {
			return types.Bool(in.mentions(l.lists[args[0].(types.Int)]))
		}, cel.IntType),
		// The result is dynamic, so that it can be compared with 5 and with 5.0.
		cel.Function("number", cel.Overload("number", []*cel.Type{cel.StringType}, cel.DynType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Double(number(textOf(v))) }))),
	}
}

// function declares a function of the hidden input and of arguments with the given types.
func function(
	name string, result *cel.Type, do func(*input, ...ref.Val) ref.Val, args ...*cel.Type,
) cel.EnvOption {
	types := append([]*cel.Type{cel.DynType}, args...)
	if len(args) == 1 { // faster than the general form
		return cel.Function(name, cel.Overload(name, types, result,
			cel.BinaryBinding(func(in, arg ref.Val) ref.Val { return do(in.(*input), arg) })))
	}
	return cel.Function(name, cel.Overload(name, types, result,
		cel.FunctionBinding(func(values ...ref.Val) ref.Val { return do(values[0].(*input), values[1:]...) })))
}

func textOf(v ref.Val) string { return string(v.(types.String)) }
