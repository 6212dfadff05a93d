package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"patchbay/core/internal/config"
)

func newCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration",
		Long: `Check the configuration file, its references, the routes with their
conditions, and the settings of each channel. The command starts the adapters to
validate the settings. It opens no listener and no store, and makes no network
calls.

All problems are reported together, with file, line and column. The exit code
is 3 if there are problems; warnings do not count.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Options{Path: o.config})
			found := o.validate(cmd.Context(), cfg)
			if err == nil && len(found.Problems) > 0 {
				err = &config.Problems{}
			}
			if err != nil {
				return o.invalid(exitFound, err, found)
			}
			o.warn(found.Warnings)
			fmt.Fprintf(o.process.Stdout, "%s: ok (%s, %s, %s)\n", o.config,
				count(len(cfg.Adapters), "adapter"), count(len(cfg.Channels), "channel"), count(len(cfg.Routes), "route"))
			return nil
		},
	}
}
