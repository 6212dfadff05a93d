package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"patchbay/core/internal/config"
)

func newCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and everything it names",
		Long: `Check the configuration: the file, its references, the routes and their conditions, and each channel's settings, for
which the adapters are started and asked. It listens nowhere and touches no network and no store. Everything that is
wrong is reported at once, with file, line and column. Exit code 3 if there is any; warnings alone are no reason for it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Options{Path: o.config})
			found := o.introduce(cmd.Context(), cfg)
			if err == nil && len(found.Problems) > 0 {
				err = &config.Problems{}
			}
			if err != nil {
				return o.invalid(exitFound, err, found)
			}
			o.warn(found.Warnings)
			fmt.Fprintf(o.process.Stdout, "%s: ok (%d adapters, %d channels, %d routes)\n", o.config, len(cfg.Adapters), len(cfg.Channels), len(cfg.Routes))
			return nil
		},
	}
}
