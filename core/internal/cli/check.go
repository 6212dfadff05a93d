package cli

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/telemetry"
)

func newCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and everything it names",
		Long: `Check the configuration: the file, its references, the routes and their conditions, and each channel's settings, for
which the adapters are started and asked. It listens nowhere and touches no network and no store. Everything that is
wrong is reported at once, with file, line and column. Exit code 3 if there is any.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load(exitFound)
			if err != nil {
				return err
			}
			log := telemetry.NewLogger(o.process.Stderr, cfg.Log.Format, slog.LevelError.String())
			if found := app.Check(cmd.Context(), cfg, app.Options{Version: o.process.Version, Logger: log}); len(found) > 0 {
				return o.invalid(exitFound, &config.Problems{List: found})
			}
			fmt.Fprintf(o.process.Stdout, "%s: ok (%d adapters, %d channels, %d routes)\n", o.config, len(cfg.Adapters), len(cfg.Channels), len(cfg.Routes))
			return nil
		},
	}
}
