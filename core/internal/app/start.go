package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/attempt"
	"patchbay/core/internal/clock"
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

// Start starts a gateway: the adapters with their channels, the log, media, the writer and the lanes, the admin
// listener and last the public listener, whose port is opened earlier. If a step fails, the earlier ones are
// stopped again.
func Start(ctx context.Context, cfg *config.Config, o Options) (_ *App, err error) {
	a := &App{log: o.Logger, now: clock.System(), failed: make(chan error, 4), drained: make(chan struct{})}
	defer func() {
		if err != nil {
			a.Stop()
		}
	}()
	a.background("heap", paceHeap)
	a.background("clock", func(ctx context.Context) { clock.Watch(ctx, a.now, o.Logger) })
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
	p.keep(cfg)
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
	a.background("drain", func(ctx context.Context) { a.watchDrain(ctx, w) })
	a.background("subscriptions", func(ctx context.Context) {
		subscription.Run(ctx, subscription.Options{
			Channels: subscriptions(cfg, p), Writer: w, Observer: metrics,
			Logger: o.Logger.With("component", "subscription"),
		})
	})
	console := admin.New(admin.Options{
		Registry: reg, Writer: w, Log: log, Lanes: engine, Hosts: p.hosts, Config: cfg, Unavailable: p.unavailable,
		Now: a.now, Trail: trail.New(log, w), Backup: log.Backup, Logger: o.Logger.With("component", "admin"),
	})
	handler, err := ingress.New(ingress.Options{Endpoints: endpoints(cfg, p), Incomplete: p.lacksPaths(),
		Writer: w, Observer: metrics, TrustedProxies: cfg.TrustedProxies, Logger: o.Logger.With("component", "ingress")})
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
	a.onStopping("readiness", func() {
		console.Accepting(false)
		a.waitForLoadBalancers(cfg.Shutdown.Delay)
	})
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
	if !p.strict {
		p.readKept(keptDir(cfg))
	}
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
		Now:      a.now,
		Channels: laneChannels(cfg, p), Observer: m, Logger: o.Logger.With("component", "delivery"), Media: kept,
		Load:   func(ctx context.Context, pos state.Position) (attempt.Stored, error) { return w.Load(ctx, pos) },
		Finish: func(out *attempt.Outcome) { w.Finish(out) },
	})
	w = writer.New(writer.Options{
		Now: a.now,
		Log: log, Policy: policy(cfg, p, reachable(cfg, p, engine)), Lanes: engine,
		Observer: newObserver(m, o.Logger),
		Logger:   o.Logger.With("component", "writer"), Version: o.Version, OpensPerMinute: cfg.Limits.OpenedPerMinute,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	})
	return w, engine
}

// run starts the writer's loop. The loop stops after the lanes, so that it stores their outcomes.
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
