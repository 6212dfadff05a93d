// Package admin is the listener for operators and monitoring: health, metrics, and the API behind the command
// line. It listens on loopback.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/store"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/trail"
)

// Writer is what the API needs of the writer.
type Writer interface {
	View(ctx context.Context, f func(*conversation.State)) error
	Do(ctx context.Context, f func(*conversation.Transaction) error) error
	Writable() error
}

// Lanes tells why deliveries wait; see lane.Engine.State.
type Lanes interface {
	State(channel string) (breaker string, paused time.Duration, waiting, running int)
}

// Options are what an Admin needs.
type Options struct {
	Version  string
	Registry *prometheus.Registry
	Writer   Writer
	Log      store.Log
	Lanes    Lanes
	Hosts    map[string]*plugin.Host
	Config   *config.Config
	Trail    *trail.Trail
	Logger   *slog.Logger
	Metrics  *telemetry.Metrics
}

// Admin serves the API.
type Admin struct {
	Options
	accepting atomic.Bool
	metrics   *pluginMetrics
}

// New returns an admin that says it is not ready.
func New(o Options) *Admin {
	a := &Admin{Options: o}
	o.Registry.MustRegister(newScan(a), newCondition(a))
	adapters := make(map[string]speaker, len(o.Hosts))
	for name, h := range o.Hosts {
		adapters[name] = h
	}
	a.metrics = newPluginMetrics(o.Registry, adapters, o.Logger)
	return a
}

// Accepting says whether the public listener takes requests.
func (a *Admin) Accepting(yes bool) { a.accepting.Store(yes) }

// Handler returns the listener's handler. Requests that a browser makes on behalf of another site are refused.
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /api/trace", a.trace)
	mux.HandleFunc("GET /api/conversations", a.waiterList)
	mux.HandleFunc("GET /api/conversations/{id}", a.conversation)
	mux.HandleFunc("GET /api/dead", a.deadList)
	mux.HandleFunc("GET /api/dead/{id}", a.deadShow)
	mux.HandleFunc("POST /api/dead/{id}/replay", a.deadReplay)
	mux.HandleFunc("DELETE /api/dead/{id}", a.deadDrop)
	mux.HandleFunc("GET /api/adapters", a.adapterList)
	mux.HandleFunc("POST /api/adapters/{name}/restart", a.adapterRestart)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return localOnly(http.NewCrossOriginProtection().Handler(mux))
}

// localOnly refuses requests whose Host is a name that an attacker's DNS could have pointed at loopback.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if strings.ContainsAny(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") && host != "localhost" && !strings.Contains(host, ":") {
			reply(w, http.StatusMisdirectedRequest, problem{"this listener answers to addresses and localhost only, not to " + host})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// problem is the body of every error.
type problem struct {
	Error string `json:"error"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the caller has gone if it fails
}

func (a *Admin) fail(w http.ResponseWriter, what string, err error) {
	a.Logger.Error("request failed", "request", what, "error", err)
	reply(w, http.StatusInternalServerError, problem{fmt.Sprintf("%s: %v", what, err)})
}
