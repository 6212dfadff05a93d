// Package app wires the gateway together, starts it, and takes it down in reverse.
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
	"golang.org/x/net/netutil"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/config"
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/ingress"
	"patchbay/core/internal/lane"
	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/jetstream"
	"patchbay/core/internal/subscription"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/trail"
	"patchbay/core/internal/writer"
)

// Options are what does not come from the configuration file.
type Options struct {
	Version string
	Logger  *slog.Logger
}

// ListenError means that an address could not be listened on.
type ListenError struct {
	Setting, Addr string
	Err           error
}

// Error says which setting to change.
func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s: %v; change `%s` or stop what uses the address", e.Addr, e.Err, e.Setting)
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// Limits.
const (
	ackTimeout      = 5 * time.Second  // for the store to answer, before a record is in doubt
	requestsTimeout = 10 * time.Second // for requests that are being answered
	lanesTimeout    = 10 * time.Second // for calls to vendors
)

// App is a gateway that has been started.
type App struct {
	log     *slog.Logger
	onStop  []step // in order of start
	failed  chan error
	Public  net.Addr
	Private net.Addr
}

// step is one named teardown.
type step struct {
	name string
	stop func()
}

// Start brings a gateway up, in this order: adapters with their channels, store, media, then writer and lanes, then the admin listener,
// last the public one, whose address is taken before. If a step fails, those before it are taken down again.
func Start(ctx context.Context, cfg *config.Config, o Options) (_ *App, err error) {
	a := &App{log: o.Logger, failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			a.Stop()
		}
	}()
	a.background("heap", paceHeap)
	reg := telemetry.NewRegistry(o.Version)
	telemetry.Loaded(reg, cfg.Hash, time.Now())
	channels, routes := names(cfg)
	metrics := telemetry.NewMetrics(reg, channels, routes)
	processes, err := plugin.NewMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	sockets, release := plugin.ClaimRuntimeDir(filepath.Join(cfg.Store.Dir, "run"))
	a.defers("sockets", func() {
		if err := release(); err != nil {
			a.log.Warn("could not remove the folder for sockets", "error", err)
		}
	})
	p := startPlugins(cfg, &o, sockets, processes)
	a.defers("adapters", p.stop)
	found := p.introduce(ctx, cfg)
	if len(found.Problems) > 0 {
		return nil, &config.Problems{List: found.Problems}
	}
	found.warn(o.Logger)
	log, err := jetstream.Open(ctx, jetstream.Options{Dir: cfg.Store.Dir, Cap: uint64(cfg.Store.Cap), AckTimeout: ackTimeout, Logger: o.Logger.With("component", "store")})
	if err != nil {
		return nil, err
	}
	a.defers("store", func() {
		if err := log.Close(); err != nil {
			a.log.Error("store did not close", "error", err)
		}
	})
	public, err := listen("listen", cfg.Listen) // nobody is answered yet, but links need the address
	if err != nil {
		return nil, err
	}
	a.defers("public address", func() { _ = public.Close() })
	kept, err := a.openMedia(cfg, &o, p, public.Addr(), telemetry.NewMedia(reg, channels))
	if err != nil {
		return nil, err
	}
	w, engine := a.core(cfg, &o, p, log, kept, metrics)
	if err := w.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the writer: %w", err)
	}
	metrics.Restored(w.Found())
	a.run(w, engine)
	a.background("subscriptions", func(ctx context.Context) {
		subscription.Run(ctx, subscription.Options{
			Channels: subscriptions(cfg, p), Writer: w, Observer: metrics, Logger: o.Logger.With("component", "subscription"),
		})
	})
	console := admin.New(admin.Options{
		Registry: reg, Writer: w, Log: log, Lanes: engine, Hosts: p.hosts, Config: cfg,
		Trail: trail.New(log, w), Logger: o.Logger.With("component", "admin"),
	})
	handler, err := ingress.New(ingress.Options{Endpoints: endpoints(cfg, p), Writer: w, Observer: metrics, Logger: o.Logger.With("component", "ingress")})
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
	a.defers("readiness", func() { console.Accepting(false) })
	return a, nil
}

// core builds writer and lanes, which know each other.
func (a *App) core(cfg *config.Config, o *Options, p *plugins, log *jetstream.Log, kept *media.Store,
	m *telemetry.Metrics) (*writer.Writer, *lane.Engine) {
	var w *writer.Writer
	engine := lane.New(lane.Options{
		Channels: laneChannels(cfg, p), Observer: m, Logger: o.Logger.With("component", "lane"), Media: kept,
		Load:   func(ctx context.Context, pos state.Position) (delivery.Stored, error) { return w.Load(ctx, pos) },
		Finish: func(out *delivery.Outcome) { w.Finish(out) },
	})
	w = writer.New(writer.Options{
		Log: log, Policy: policy(cfg, p, reachable(cfg, p, engine)), Lanes: engine, Observer: &observer{Metrics: m, log: o.Logger},
		Logger: o.Logger.With("component", "writer"), Version: o.Version, OpensPerMinute: cfg.Limits.OpenedPerMinute,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	})
	return w, engine
}

// run starts the writer's loop. It ends after the lanes have: their outcomes are stored.
func (a *App) run(w *writer.Writer, engine *lane.Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != nil {
			a.failed <- fmt.Errorf("writer: %w", err)
		}
	}()
	a.defers("writer", func() { cancel(); <-done })
	a.defers("lanes", func() {
		ctx, cancel := context.WithTimeout(context.Background(), lanesTimeout)
		defer cancel()
		engine.Stop(ctx)
	})
}

// serve runs an HTTP server with at most n connections until the app stops, and returns its address.
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
	a.defers("listener "+setting, func() {
		ctx, cancel := context.WithTimeout(context.Background(), requestsTimeout)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			_ = srv.Close()
		}
		<-done
	})
	return ln.Addr()
}

// Wait returns when ctx ends, with nil, or when a part has failed, with why.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	}
}

// background runs f until the app stops.
func (a *App) background(name string, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	a.defers(name, func() { cancel(); <-done })
}

func (a *App) defers(name string, stop func()) { a.onStop = append(a.onStop, step{name, stop}) }

// Stop takes everything down in reverse order of start: no more requests, running calls end, outcomes are
// stored, adapters exit, the store closes. It may be called once.
func (a *App) Stop() {
	for _, s := range slices.Backward(a.onStop) {
		began := time.Now()
		s.stop()
		a.log.Debug("stopped", "part", s.name, "duration_seconds", time.Since(began).Seconds())
	}
	a.onStop = nil
}
