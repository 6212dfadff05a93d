package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

func newCheck(o *options) *cobra.Command {
	var noSecrets bool
	var output string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration",
		Long: `Check the configuration file, its references, the routes with their
conditions, and the settings of each channel. The command starts the adapters to
validate the settings. It opens no listener and no store, and makes no network
calls.

All problems are reported together, with file, line, column and a code, see
docs/checks.md. The exit code is 3 if there are problems; warnings do not count.

With --no-secrets, a reference to a variable or file that does not exist is no
problem, so that the check works in CI without any secret. Checks that need the
value are left out.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.check(cmd.Context(), noSecrets, output) },
	}
	cmd.Flags().BoolVar(&noSecrets, "no-secrets", false, "accept references that have no value")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`format`: text or json")
	return cmd
}

func (o *options) check(ctx context.Context, noSecrets bool, output string) error {
	if err := checkFormat(output, "text", "json"); err != nil {
		return err
	}
	cfg, err := config.Load(config.Options{Path: o.config, NoSecrets: noSecrets})
	found := o.validate(ctx, cfg)
	if err == nil && len(found.Problems) > 0 {
		err = &config.Problems{}
	}
	if output == "json" {
		return o.checkJSON(err, found)
	}
	if err != nil {
		return o.invalid(exitFound, err, found)
	}
	o.warn(found.Warnings)
	fmt.Fprintf(o.process.Stdout, "%s: ok (%s, %s, %s)\n", o.config,
		count(len(cfg.Adapters), "adapter"), count(len(cfg.Channels), "channel"), count(len(cfg.Routes), "route"))
	return nil
}

// checkJSON prints the findings as JSON. err is the error of loading the configuration, or nil.
func (o *options) checkJSON(err error, found app.Findings) error {
	if loaded, ok := errors.AsType[*config.Problems](err); ok {
		found.Problems = joinProblems(loaded.List, found)
	}
	if printing := o.printJSON(found.Problems, found.Warnings); printing != nil {
		return failure(printing)
	}
	if err != nil {
		return &exitError{code: exitFound, printed: true, err: err}
	}
	return nil
}
