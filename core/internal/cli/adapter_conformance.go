package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"patchbay/sdk/conformance"
)

// conformanceFlags are the flags of adapter test.
type conformanceFlags struct {
	options conformance.Options
	json    bool
	quiet   bool
}

func newAdapterTest(o *options) *cobra.Command {
	f := &conformanceFlags{}
	cmd := &cobra.Command{
		Use: "test PROGRAM", Short: "Test whether an adapter conforms to the protocol",
		Long: `Test an adapter's program, in any language, over the plugin protocol. The suite
starts the program as the gateway does and replaces the vendor by a fault
server. It prints a scorecard, and a remedy for each check that failed.

A folder of test data has channel.yaml (role, settings, credentials), in/*.http
(calls of the vendor) and out/*.http (deliveries, the requests that they cause,
and their responses). For several roles, use a folder with one such folder
for each role. Without --testdata the suite uses
plugins/NAME/testdata/conformance or, if that does not exist,
testdata/conformance. --update writes the golden files into the same folders.
If channel.yaml has the key "sign", the suite runs its command to sign calls.

Groups of checks: describe wire settings configure in out odd channels
duplicates credentials hostile oversize unknown faults guard parallel cancel
refusals open replies media subscribe drain resources memory exit secrets

Exit codes: 0 all passed, 3 a check failed or none applied, 1 the test could not
run.`,
		Example: `  patchbay adapter test bin/native
  patchbay adapter test bin/echo --only in,out --update
  patchbay adapter test bin/echo --testdata testdata/conformance/shop --json`,
		Args: arguments("PROGRAM"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.testAdapter(cmd, f, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Data, "testdata", "", "`folder` with the test data")
	flags.StringSliceVar(&f.options.Only, "only", nil, "`groups` or checks to run, for example faults,out.golden")
	flags.StringSliceVar(&f.options.Env, "env", nil, "variables of the program, NAME=VALUE")
	flags.StringSliceVar(&f.options.Args, "arg", nil, "arguments of the program")
	flags.IntVar(&f.options.Messages, "messages", conformance.DefaultMessages, "number of messages in the group memory")
	flags.BoolVar(&f.options.Update, "update", false, "write golden files that differ")
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no progress")
	return cmd
}

func (o *options) testAdapter(cmd *cobra.Command, f *conformanceFlags, program string) error {
	if _, err := os.Stat(program); err != nil {
		return failure(fmt.Errorf("find the adapter's program: %w; build it first, or give its path", err))
	}
	f.options.Command = program
	if f.options.Data == "" {
		f.options.Data = conformanceData(program)
	}
	if !f.quiet {
		f.options.Progress = func(channel string, g *conformance.Group) {
			fmt.Fprintf(o.process.Stderr, "%-10s %-12s %s\n", channel, g.Name, g.Status)
		}
	}
	report, err := conformance.Run(cmd.Context(), f.options)
	if errors.Is(err, conformance.ErrUnknownCheck) {
		return &exitError{code: exitUsage, err: err}
	}
	if err != nil {
		return failure(err)
	}
	if f.json {
		err = o.print(report)
	} else {
		err = report.Print(o.process.Stdout)
	}
	if err != nil {
		return failure(fmt.Errorf("print the report: %w", err))
	}
	if report.Status != conformance.Pass {
		return &exitError{code: exitFound, printed: true, err: errors.New("the adapter does not conform")}
	}
	return nil
}

// conformanceData returns the default folder of a program's test data.
func conformanceData(program string) string {
	place := filepath.Join("plugins", filepath.Base(program), "testdata", "conformance")
	if found, err := filepath.Glob(place); err == nil && len(found) > 0 {
		return place
	}
	return filepath.Join("testdata", "conformance")
}
