// Package app wires the parts of the gateway, starts them, and stops them in reverse order.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/attempt"
	"patchbay/core/internal/config"
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/ingress"
	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/jetstream"
	"patchbay/core/internal/subscription"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/trail"
	"patchbay/core/internal/writer"
)

// Options are the settings that do not come from the configuration.
type Options struct {
	Version string
	Logger  *slog.Logger
}

// ListenError is the failure to open a listener.
type ListenError struct {
	Setting, Addr string
	Err           error
}

// Error names the setting to change.
func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s: %v; change `%s` or stop the program that uses the address",
		e.Addr, e.Err, e.Setting)
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// Timeouts.
const (
	ackTimeout      = 5 * time.Second  // of a write; afterwards its outcome is unknown
	requestsTimeout = 10 * time.Second // of running requests, at the end
	lanesTimeout    = 10 * time.Second // of running calls to vendors, at the end
)

// App is a running gateway.
type App struct {
	log     *slog.Logger
	onStop  []step // in order of start
	failed  chan error
	Public  net.Addr
	Private net.Addr
}

// step stops one part.
type step struct {
	name string
	stop func()
}

// Start starts a gateway: the adapters with their channels, the log, media, the writer and the lanes, the admin
// listener and last the public listener, whose port is opened earlier. If a step fails, the earlier ones are
// stopped again.
func Start(ctx context.Context, cfg *config.Config, o Options) (_ *App, err error) {
	a := &App{log: o.Logger, failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			a.Stop()
		}
	}()
	a.background("heap", paceHeap)
	reg := telemetry.NewRegistry(o.Version)
	telemetry.RegisterConfig(reg, cfg.Hash, time.Now())
	channels, routes := names(cfg)
	metrics := telemetry.NewMetrics(reg, channels, routes)
	p, err := a.startAdapters(ctx, cfg, &o, reg)
	if err != nil {
		return nil, err
	}
	log, err := a.openLog(ctx, cfg, &o)
	if err != nil {
		return nil, err
	}
	public, err := listen("listen", cfg.Listen) // without a server yet: links to media need the address
	if err != nil {
		return nil, err
	}
	a.onStopping("public address", func() { _ = public.Close() })
	kept, err := a.openMedia(cfg, &o, p, public.Addr(), telemetry.NewMedia(reg, channels))
	if err != nil {
		return nil, err
	}
	w, engine := a.core(cfg, &o, p, log, kept, metrics)
	if err := w.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the writer: %w", err)
	}
	metrics.Restored(w.Counts())
	a.run(w, engine)
	a.background("subscriptions", func(ctx context.Context) {
		subscription.Run(ctx, subscription.Options{
			Channels: subscriptions(cfg, p), Writer: w, Observer: metrics,
			Logger: o.Logger.With("component", "subscription"),
		})
	})
	console := admin.New(admin.Options{
		Registry: reg, Writer: w, Log: log, Lanes: engine, Hosts: p.hosts, Config: cfg,
		Trail: trail.New(log, w), Logger: o.Logger.With("component", "admin"),
	})
	handler, err := ingress.New(ingress.Options{Endpoints: endpoints(cfg, p), Writer: w, Observer: metrics,
		Logger: o.Logger.With("component", "ingress")})
	if err != nil {
		return nil, err
	}
	private, err := listen("admin.listen", cfg.Admin.Listen)
	if err != nil {
		return nil, err
	}
	a.Private = a.serve("admin.listen", private, maxConnections, console.Handler(), o.Logger)
	a.Public = a.serve("listen", public, publicConnections(), withMedia(handler, kept.Handler()), o.Logger)
	console.Accepting(true)
	a.onStopping("readiness", func() { console.Accepting(false) })
	return a, nil
}

// startAdapters starts the adapters and configures their channels.
func (a *App) startAdapters(ctx context.Context, cfg *config.Config, o *Options, reg *prometheus.Registry,
) (*plugins, error) {
	metrics, err := plugin.NewMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	sockets, release := plugin.ClaimRuntimeDir(filepath.Join(cfg.Store.Dir, "run"))
	a.onStopping("sockets", func() {
		if err := release(); err != nil {
			a.log.Warn("could not remove the folder for sockets", "error", err)
		}
	})
	p := startPlugins(cfg, o, sockets, metrics)
	a.onStopping("adapters", p.stop)
	found := p.configure(ctx, cfg)
	if len(found.Problems) > 0 {
		return nil, &config.Problems{List: found.Problems}
	}
	found.logWarnings(o.Logger)
	return p, nil
}

func (a *App) openLog(ctx context.Context, cfg *config.Config, o *Options) (*jetstream.Log, error) {
	log, err := jetstream.Open(ctx, jetstream.Options{
		Dir: cfg.Store.Dir, Cap: uint64(cfg.Store.Cap), AckTimeout: ackTimeout, Logger: o.Logger.With("component",
			"store"),
	})
	if err != nil {
		return nil, err
	}
	a.onStopping("store", func() {
		if err := log.Close(); err != nil {
			a.log.Error("store did not close", "error", err)
		}
	})
	return log, nil
}

// core makes the writer and the lanes, which call each other.
func (a *App) core(cfg *config.Config, o *Options, p *plugins, log *jetstream.Log, kept *media.Store,
	m *telemetry.Metrics) (*writer.Writer, *delivery.Engine) {
	var w *writer.Writer
	engine := delivery.New(delivery.Options{
		Channels: laneChannels(cfg, p), Observer: m, Logger: o.Logger.With("component", "delivery"), Media: kept,
		Load:   func(ctx context.Context, pos state.Position) (attempt.Stored, error) { return w.Load(ctx, pos) },
		Finish: func(out *attempt.Outcome) { w.Finish(out) },
	})
	w = writer.New(writer.Options{
		Log: log, Policy: policy(cfg, p, reachable(cfg, p, engine)), Lanes: engine,
		Observer: &observer{Metrics: m, log: o.Logger},
		Logger:   o.Logger.With("component", "writer"), Version: o.Version, OpensPerMinute: cfg.Limits.OpenedPerMinute,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	})
	return w, engine
}

// run starts the writer's loop. It stops after the lanes, so that their outcomes are stored.
func (a *App) run(w *writer.Writer, engine *delivery.Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != nil {
			a.failed <- fmt.Errorf("writer: %w", err)
		}
	}()
	a.onStopping("writer", func() { cancel(); <-done })
	a.onStopping("lanes", func() {
		ctx, cancel := context.WithTimeout(context.Background(), lanesTimeout)
		defer cancel()
		engine.Stop(ctx)
	})
}

// serve runs an HTTP server with at most n connections until the gateway stops, and returns its address.
func (a *App) serve(setting string, ln net.Listener, n int, h http.Handler, log *slog.Logger) net.Addr {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(netutil.LimitListener(ln, n)); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve %s: %w", ln.Addr(), err)
		}
	}()
	a.onStopping("listener "+setting, func() {
		ctx, cancel := context.WithTimeout(context.Background(), requestsTimeout)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			_ = srv.Close()
		}
		<-done
	})
	return ln.Addr()
}

// Wait returns nil when ctx ends, or the error when a part fails.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	}
}

// background runs f until the gateway stops.
func (a *App) background(name string, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	a.onStopping(name, func() { cancel(); <-done })
}

func (a *App) onStopping(name string, stop func()) { a.onStop = append(a.onStop, step{name, stop}) }

// Stop stops the parts in reverse order of their start: requests are refused, running calls end, their outcomes are
// stored, the adapters exit, the store closes. It may be called once.
func (a *App) Stop() {
	for _, s := range slices.Backward(a.onStop) {
		started := time.Now()
		s.stop()
		a.log.Debug("stopped", "part", s.name, "duration_seconds", time.Since(started).Seconds())
	}
	a.onStop = nil
}
