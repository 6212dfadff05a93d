package app

import (
	"context"
	"fmt"
	"net"
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
	a := &App{
		log: o.Logger, now: clock.System(), failed: make(chan error, 4), drained: make(chan struct{}), opts: &o,
	}
	a.reloads.start()
	defer func() {
		if err != nil {
			a.Stop()
		}
	}()
	a.background("heap", adjustCollector)
	a.background("clock", func(ctx context.Context) { clock.Watch(ctx, a.now, o.Logger) })
	reg := telemetry.NewRegistry(o.Version)
	channels, routes := names(cfg)
	a.parts.config, a.parts.metrics = telemetry.NewConfig(reg), telemetry.NewMetrics(reg, channels, routes)
	if err := a.startAdapters(ctx, cfg, reg); err != nil {
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
	a.addStopStep("public address", func() { _ = public.Close() })
	kept, err := a.openMedia(cfg, &o, public.Addr(), telemetry.NewMedia(reg, channels))
	if err != nil {
		return nil, err
	}
	if err := a.startCore(ctx, log, kept); err != nil {
		return nil, err
	}
	return a, a.startListeners(reg, log, kept, public)
}

// startListeners starts the admin listener, and then the public one.
func (a *App) startListeners(reg *prometheus.Registry, log *jetstream.Log, kept *media.Store, public net.Listener,
) (err error) {
	r := a.reloads.inForce
	console := admin.New(admin.Options{
		Registry: reg, Writer: a.parts.writer, Log: log, Lanes: a.parts.engine, Running: a.running.Load,
		Reload: a.Reload, Now: a.now, Trail: trail.New(log, a.parts.writer), Backup: log.Backup,
		Logger: a.log.With("component", "admin"),
	})
	a.parts.ingress, err = ingress.New(ingress.Options{
		Endpoints: endpoints(r.cfg, r.plugins), Incomplete: r.plugins.lacksPaths(), Writer: a.parts.writer,
		Observer: a.parts.metrics, TrustedProxies: r.cfg.TrustedProxies, Logger: a.log.With("component", "ingress"),
	})
	if err != nil {
		return err
	}
	private, err := listen("admin.listen", r.cfg.Admin.Listen)
	if err != nil {
		return err
	}
	a.Private = a.serve("admin.listen", private, maxConnections, console.Handler(), a.log)
	a.Public = a.serve("listen", public, publicConnections(), withMedia(a.parts.ingress, kept.Handler()), a.log)
	console.SetAccepting(true)
	a.addStopStep("readiness", func() {
		console.SetAccepting(false)
		a.waitForLoadBalancers(a.running.Load().Config.Shutdown.Delay)
	})
	a.addStopStep("reloads", a.reloads.stop)
	return nil
}

// startAdapters starts the adapters and configures their channels.
func (a *App) startAdapters(ctx context.Context, cfg *config.Config, reg *prometheus.Registry) error {
	metrics, err := plugin.NewMetrics(reg)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	sockets, release := plugin.ClaimRuntimeDir(filepath.Join(cfg.Store.Dir, "run"))
	a.addStopStep("sockets", func() {
		if err := release(); err != nil {
			a.log.Warn("could not remove the folder for sockets", "error", err)
		}
	})
	p := startPlugins(cfg, nil, a.opts, sockets, metrics)
	a.reloads.inForce = &revision{cfg: cfg, read: time.Now(), plugins: p}
	a.parts.plugins, a.parts.sockets = metrics, sockets
	a.addStopStep("adapters", func() {
		a.reloads.inForce.plugins.stop()
		a.reloads.retiring.Wait()
	})
	if !p.strict {
		p.readKept(keptDir(cfg))
	}
	found := p.configure(ctx, cfg)
	if len(found.Problems) > 0 {
		return &config.Problems{List: found.Problems}
	}
	found.logWarnings(a.log)
	a.running.Store(a.reloads.inForce.describeRunning())
	return nil
}

func (a *App) openLog(ctx context.Context, cfg *config.Config, o *Options) (*jetstream.Log, error) {
	log, err := jetstream.Open(ctx, jetstream.Options{
		Dir: cfg.Store.Dir, Cap: uint64(cfg.Store.Cap), AckTimeout: ackTimeout, Logger: o.Logger.With("component",
			"store"),
	})
	if err != nil {
		return nil, err
	}
	a.addStopStep("store", func() {
		if err := log.Close(); err != nil {
			a.log.Error("store did not close", "error", err)
		}
	})
	return log, nil
}

// startCore starts the writer, the lanes and the subscriptions. The writer and the lanes call each other.
func (a *App) startCore(ctx context.Context, log *jetstream.Log, kept *media.Store) error {
	r := a.reloads.inForce
	var w *writer.Writer
	engine := delivery.New(delivery.Options{
		Now: a.now, Channels: laneChannels(r.cfg, r.plugins), Observer: a.parts.metrics,
		Logger: a.log.With("component", "delivery"), Media: kept,
		Load:   func(ctx context.Context, pos state.Position) (attempt.Stored, error) { return w.Load(ctx, pos) },
		Finish: func(out *attempt.Outcome) { w.Finish(out) },
	})
	w = writer.New(writer.Options{
		Now: a.now, Log: log, Policy: policy(r.cfg, r.plugins, engine), Lanes: engine,
		Observer: newObserver(a.parts.metrics, a.log), Logger: a.log.With("component", "writer"),
		Version: a.opts.Version, Hash: r.cfg.Hash, OpensPerMinute: r.cfg.Limits.OpenedPerMinute,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	})
	a.parts.writer, a.parts.engine = w, engine
	if err := w.Start(ctx); err != nil {
		return fmt.Errorf("start the writer: %w", err)
	}
	a.parts.metrics.Restored(w.Counts())
	r.number = w.Policy.Revision
	a.running.Store(r.describeRunning())
	a.parts.config.Started(r.cfg.Hash, r.number, r.read, a.opts.LastGood)
	a.keep(r)
	a.run(w, engine)
	a.background("drain", func(ctx context.Context) { a.watchDrain(ctx, w) })
	a.parts.subscriptions = subscription.Start(subscription.Options{
		Channels: subscriptions(r.cfg, r.plugins), Writer: w, Observer: a.parts.metrics,
		Logger: a.log.With("component", "subscription"),
	})
	a.addStopStep("subscriptions", a.parts.subscriptions.Stop)
	return nil
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
	a.addStopStep("writer", func() { cancel(); <-done })
	a.addStopStep("lanes", func() {
		w.Drain() // nothing can arrive any more that ends a timer or accepts an offer
		ctx, cancel := context.WithTimeout(context.Background(), lanesTimeout)
		defer cancel()
		engine.Stop(ctx)
	})
}
