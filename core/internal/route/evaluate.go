package route

import (
	"errors"
	"strings"

	"cel.dev/cel-go/common/types"
)

// holds evaluates the condition. The error never contains text of the message.
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

// runtimeError replaces an error of the CEL library by its kind, because the library's text can quote the message.
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
