// Package admin serves operators and monitoring: health checks, metrics, and the API that the command line uses. The
// API has no authentication, so its listener belongs on loopback.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/core/internal/trail"
)

// Writer reads and changes the state; see writer.Writer.
type Writer interface {
	View(ctx context.Context, f func(*state.State)) error
	Do(ctx context.Context, f func(*conversation.Transaction) error) error
	Writable() error
	Drain()
	Draining() <-chan struct{}
}

// Lanes reports the state of a channel's lanes; see delivery.Engine.State.
type Lanes interface {
	State(channel string) attempt.ChannelState
}

// Options configure an Admin.
type Options struct {
	Registry *prometheus.Registry
	Writer   Writer
	Log      store.Log
	Lanes    Lanes
	// Running returns the configuration in force. A reload replaces it, so one use needs one call.
	Running func() *Running
	// Reload reloads the configuration.
	Reload func(context.Context, ReloadRequest) *Reload
	Backup func(context.Context, io.Writer) error // see jetstream.Log.Backup
	Trail  *trail.Trail
	Now    func() time.Time // the gateway's clock; nil is time.Now
	Logger *slog.Logger
}

// Running is a configuration in force, with the parts that run for it. It is read only.
type Running struct {
	Config   *config.Config
	Revision uint64
	Read     time.Time // when the configuration was read
	Hosts    map[string]*plugin.Host
	// Unavailable has the cause for each channel that is not usable, because its adapter did not start.
	Unavailable map[string]string
}

// Admin serves the API.
type Admin struct {
	Options
	accepting atomic.Bool
	metrics   *metricsGatherer
}

// New returns an Admin and registers its metrics. The Admin reports "not ready" until Accepting(true) is called.
func New(o Options) *Admin {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Admin{Options: o}
	o.Registry.MustRegister(newBacklogMetrics(a), newHealthMetrics(a), newLaneMetrics(a))
	a.metrics = newMetricsGatherer(o.Registry, a.metricsSources, o.Logger)
	return a
}

func (a *Admin) metricsSources() map[string]metricsSource {
	hosts := a.Running().Hosts
	out := make(map[string]metricsSource, len(hosts))
	for name, h := range hosts {
		out[name] = h
	}
	return out
}

// Accepting sets whether the public listener accepts requests.
func (a *Admin) Accepting(accepting bool) { a.accepting.Store(accepting) }

// Handler returns the HTTP handler. It refuses requests that a browser sends on behalf of another site.
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /healthz", live)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /api/trace", a.trace)
	mux.HandleFunc("GET /api/decisions", a.decisions)
	mux.HandleFunc("GET /api/conversations", a.conversationList)
	mux.HandleFunc("GET /api/conversations/{id}", a.conversationShow)
	mux.HandleFunc("GET /api/conversations/{id}/export", a.conversationExport)
	for _, command := range []string{"close", "pass", "home", "note"} {
		mux.HandleFunc("POST /api/conversations/{id}/"+command, a.conversationCommand(command))
	}
	mux.HandleFunc("GET /api/channels", a.channelList)
	mux.HandleFunc("POST /api/channels/{name}/pause", a.channelPause(true))
	mux.HandleFunc("POST /api/channels/{name}/resume", a.channelPause(false))
	mux.HandleFunc("GET /api/backup", a.backup)
	mux.HandleFunc("GET /api/drain", a.drainStatus)
	mux.HandleFunc("POST /api/drain", a.drainStart)
	mux.HandleFunc("GET /api/dead-letters", a.deadLetterList)
	mux.HandleFunc("GET /api/dead-letters/{id}", a.deadLetterShow)
	mux.HandleFunc("POST /api/dead-letters/{id}/replay", a.deadLetterReplay)
	mux.HandleFunc("DELETE /api/dead-letters/{id}", a.deadLetterDrop)
	mux.HandleFunc("GET /api/config", a.configShow)
	mux.HandleFunc("POST /api/config/reload", a.reload)
	mux.HandleFunc("GET /api/adapters", a.adapterList)
	mux.HandleFunc("POST /api/adapters/{name}/restart", a.adapterRestart)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return localOnly(http.NewCrossOriginProtection().Handler(mux))
}

// localOnly refuses requests whose Host is a name other than localhost. An attacker's DNS can point a name at loopback,
// and a browser would then send the attacker's requests here.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		isName := strings.ContainsFunc(host, unicode.IsLetter) && !strings.Contains(host, ":")
		if isName && host != "localhost" {
			reply(w, http.StatusMisdirectedRequest,
				problem{"host " + host + " is not allowed: use an IP address or localhost"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// problem is the body of an error.
type problem struct {
	Error string `json:"error"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // fails if the caller has disconnected
}

// fail responds with 500. Operation is a verb phrase.
func (a *Admin) fail(w http.ResponseWriter, operation string, err error) {
	a.Logger.Error("request failed", "operation", operation, "error", err)
	reply(w, http.StatusInternalServerError, problem{fmt.Sprintf("%s: %v", operation, err)})
}
