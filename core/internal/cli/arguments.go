package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// noArguments refuses arguments. If the first one looks like a file, the error names the flag for another
// configuration.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	advice := cmd.UseLine()
	if strings.ContainsAny(args[0], "./") {
		advice = fmt.Sprintf("use -c %s for another configuration file", args[0])
	}
	return fmt.Errorf("%s takes no argument %q: %s", commandName(cmd), args[0], advice)
}

// arguments accepts exactly the named arguments. The last one can be repeated if its name ends in "...". An error names
// the argument that is missing or not expected.
func arguments(names ...string) cobra.PositionalArgs {
	last, more := strings.CutSuffix(names[len(names)-1], "...")
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names)-1:
			return fmt.Errorf("%s: %s is missing: %s", commandName(cmd), names[len(args)], cmd.UseLine())
		case len(args) < len(names):
			return fmt.Errorf("%s: %s is missing: %s", commandName(cmd), last, cmd.UseLine())
		case len(args) > len(names) && !more:
			return fmt.Errorf("%s: unexpected argument %q: %s", commandName(cmd), args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// commandName returns the names of a command and its groups, without that of the program, which precedes every error.
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}
