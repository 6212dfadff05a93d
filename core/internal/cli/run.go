package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/telemetry"
)

func newRun(o *options) *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Start the gateway",
		Long: `Start the gateway and serve until SIGINT or SIGTERM. Then the gateway refuses
requests, waits for running calls, stores their outcomes, stops the adapters and
exits with 0. A second signal ends it immediately. Accepted messages stay in the
store and are delivered after the next start.

If an adapter does not start, the others serve. Its channels wait for it, if the
gateway has started with it before; otherwise they are unavailable until the
next start. With --strict, the gateway does not start.

SIGHUP is logged and ignored.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), strict) },
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "do not start unless all adapters start")
	return cmd
}

func (o *options) run(ctx context.Context, strict bool) error {
	started := time.Now()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	cfg, err := o.load(ctx, exitConfig)
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(o.process.Stderr, cfg.Log.Format, cfg.Log.Level)
	stopIgnoring := ignoreHangups(hangups, log)
	defer stopIgnoring()
	a, err := app.Start(ctx, cfg, app.Options{Version: o.process.Version, Logger: log, Strict: strict})
	if err != nil {
		if _, ok := errors.AsType[*config.Problems](err); ok {
			return o.invalid(exitConfig, err, app.Findings{})
		}
		return failure(fmt.Errorf("start: %w", err))
	}
	log.Info("ready", "listen", a.Public.String(), "admin", a.Private.String(), "version", o.process.Version,
		"duration_seconds", time.Since(started).Seconds())
	err = a.Wait(ctx)
	log.Info("stopping")
	a.Stop()
	log.Info("stopped")
	if err != nil {
		return failure(err)
	}
	return nil
}

// ignoreHangups logs each SIGHUP until stop is called. Without a handler, the signal would end the process.
func ignoreHangups(hangups <-chan os.Signal, log *slog.Logger) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangups:
				log.Warn("signal ignored", "signal", "SIGHUP", "remedy", "restart the gateway to change its configuration")
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-done }
}
