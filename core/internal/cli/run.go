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

	"patchbay/core/internal/admin"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/telemetry"
)

func newRun(o *options) *cobra.Command {
	var strict, lastGood bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Start the gateway",
		Long: `Start the gateway and serve until SIGINT or SIGTERM. Then the gateway refuses
requests, waits for running calls, stores their outcomes, stops the adapters and
exits with 0. A second signal ends it immediately. Accepted messages stay in the
store and are delivered after the next start.

If an adapter does not start, the others serve. Its channels wait for it, if the
gateway has started with it before; otherwise they are unavailable until a
reload or a restart. With --strict, the gateway does not start.

SIGHUP reloads the configuration, like 'patchbay reload'.

With --last-good, a configuration file that has problems is not used: the
gateway starts with the last configuration that was in force, and logs the
problems.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), strict, lastGood) },
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "do not start unless all adapters start")
	cmd.Flags().BoolVar(&lastGood, "last-good", false, "if the file has problems, start with the last good one")
	return cmd
}

func (o *options) run(ctx context.Context, strict, lastGood bool) error {
	started := time.Now()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	cfg, err := config.Load(config.Options{Path: o.config})
	a, log, err := o.start(ctx, cfg, err, app.Options{Version: o.process.Version, Strict: strict, LastGood: lastGood})
	if err != nil {
		return err
	}
	log.Info("ready", "listen", a.Public.String(), "admin", a.Private.String(), "version", o.process.Version,
		"duration_seconds", time.Since(started).Seconds())
	stopReloading := reloadOnHangup(hangups, a, log)
	err = a.Wait(ctx)
	log.Info("stopping")
	a.Stop()
	stopReloading()
	log.Info("stopped")
	if err != nil {
		return failure(err)
	}
	return nil
}

// start starts a gateway with a configuration. loadErr is the error of loading it, or nil. If opts.LastGood is set and
// the configuration has problems, start uses the last one that was in force.
func (o *options) start(ctx context.Context, cfg *config.Config, loadErr error, opts app.Options,
) (*app.App, *slog.Logger, error) {
	lastGood := opts.LastGood
	opts.LastGood = false
	err := loadErr
	if err == nil {
		o.warn(cfg.Warnings)
		opts.Logger = telemetry.NewLogger(o.process.Stderr, cfg.Log.Format, cfg.Log.Level)
		var a *app.App
		if a, err = app.Start(ctx, cfg, opts); err == nil {
			return a, opts.Logger, nil
		}
	}
	if _, refused := errors.AsType[*config.Problems](err); !refused {
		return nil, nil, failure(fmt.Errorf("start: %w", err))
	}
	if !lastGood {
		found := app.Findings{}
		if loadErr != nil {
			found = o.validate(ctx, cfg)
		}
		return nil, nil, o.invalid(exitConfig, err, found)
	}
	_ = o.invalid(exitConfig, err, app.Findings{})
	return o.startLastGood(ctx, opts)
}

// startLastGood starts a gateway with the last configuration that was in force.
func (o *options) startLastGood(ctx context.Context, opts app.Options) (*app.App, *slog.Logger, error) {
	data, err := app.LastGood(config.StoreDir(config.Options{Path: o.config}))
	if err != nil {
		return nil, nil, &exitError{code: exitConfig, err: fmt.Errorf(
			"--last-good: %w; set PATCHBAY_STORE__DIR if the store is in another folder", err)}
	}
	cfg, err := config.Load(config.Options{Path: o.config, Data: data})
	if err != nil {
		return nil, nil, o.invalid(exitConfig, fmt.Errorf("the last good configuration: %w", err), app.Findings{})
	}
	opts.Logger = telemetry.NewLogger(o.process.Stderr, cfg.Log.Format, cfg.Log.Level)
	opts.Logger.Error("the configuration file is not used", "file", o.config, "hash_in_force", cfg.Hash,
		"remedy", "correct the file, then run `patchbay reload`")
	opts.LastGood = true
	a, err := app.Start(ctx, cfg, opts)
	if err != nil {
		return nil, nil, failure(fmt.Errorf("start with the last good configuration: %w", err))
	}
	return a, opts.Logger, nil
}

// reloadOnHangup reloads the configuration at each SIGHUP until stop is called. A signal that arrived during the start
// counts too.
func reloadOnHangup(hangups <-chan os.Signal, a *app.App, log *slog.Logger) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangups:
				log.Info("operator's command", "command", "reload", "signal", "SIGHUP")
				a.Reload(context.Background(), admin.ReloadRequest{})
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-done }
}
