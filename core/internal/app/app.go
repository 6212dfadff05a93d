// Package app wires the parts of the gateway, starts them, and stops them in reverse order.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"patchbay/core/internal/admin"
)

// Options are the settings that do not come from the configuration.
type Options struct {
	Version string
	Logger  *slog.Logger
	Strict  bool // refuse to start without all adapters
	// LastGood means that the configuration is not the one in the file, but the last one that was in force.
	LastGood bool
	all      bool // also start adapters that no channel uses
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
	requestsTimeout = 10 * time.Second // for running requests when the gateway stops
	lanesTimeout    = 10 * time.Second // for running calls to vendors when the gateway stops
)

// App is a running gateway.
type App struct {
	log     *slog.Logger
	now     func() time.Time // the gateway's clock
	onStop  []step           // in order of start
	failed  chan error
	closing atomic.Bool   // the listeners are about to close
	drained chan struct{} // closed when a drained gateway has no work left
	Public  net.Addr
	Private net.Addr

	opts    *Options
	parts   components
	running atomic.Pointer[admin.Running] // the revision in force
	reloads reloads
}

// step stops one part.
type step struct {
	name string
	stop func()
}

// serve starts an HTTP server with at most n connections and returns its address. The server runs until the gateway
// stops.
func (a *App) serve(setting string, ln net.Listener, n int, h http.Handler, log *slog.Logger) net.Addr {
	srv := &http.Server{
		Handler: a.closeAfterResponse(h), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(netutil.LimitListener(ln, n)); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve %s: %w", ln.Addr(), err)
		}
	}()
	a.addStopStep("listener "+setting, func() {
		ctx, cancel := context.WithTimeout(context.Background(), requestsTimeout)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			_ = srv.Close()
		}
		<-done
	})
	return ln.Addr()
}

// waitForLoadBalancers goes on serving for a time, so that load balancers see that the gateway is not ready.
func (a *App) waitForLoadBalancers(delay time.Duration) {
	if delay == 0 {
		return
	}
	a.log.Info("not ready, still serving", "delay_seconds", delay.Seconds())
	a.closing.Store(true)
	time.Sleep(delay)
}

// closeAfterResponse asks clients to close their connections after a response, while the listeners are about to close.
// Idle connections stay open, because a client may be about to send a request on one.
func (a *App) closeAfterResponse(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.closing.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Wait returns nil when ctx ends or the gateway is drained, or the error when a part fails.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.drained:
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
	a.addStopStep(name, func() { cancel(); <-done })
}

func (a *App) addStopStep(name string, stop func()) { a.onStop = append(a.onStop, step{name, stop}) }

// Stop stops the parts in reverse order of their start: requests are refused, running calls end, their outcomes are
// stored, the store closes, and the adapters exit. Call it only once.
func (a *App) Stop() {
	for _, s := range slices.Backward(a.onStop) {
		started := time.Now()
		s.stop()
		a.log.Debug("stopped", "part", s.name, "duration_seconds", time.Since(started).Seconds())
	}
	a.onStop = nil
}
