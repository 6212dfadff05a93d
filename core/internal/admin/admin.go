// Package admin serves operators and monitoring: health checks, metrics, and the API that the command line uses. The
// API has no authentication, so its listener belongs on loopback.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/url"
	"slices"
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
	"patchbay/core/internal/writer"
)

// Writer reads and changes the state; see writer.Writer.
type Writer interface {
	View(ctx context.Context, f func(*state.State)) error
	Do(ctx context.Context, f func(*conversation.Transaction) error) error
	Writable() error
	Drain()
	Draining() <-chan struct{}
}

// Lanes reports the state of a channel's lanes and of a delivery's call; see delivery.Engine.
type Lanes interface {
	State(channel string) attempt.ChannelState
	CallTime(delivery string) (time.Duration, bool)
}

// Options configure an Admin.
type Options struct {
	Registry *prometheus.Registry
	Writer   Writer
	Log      store.Log
	Lanes    Lanes
	// Running returns the configuration in force. A reload can replace it between two calls.
	Running func() *Running
	// Reload reloads the configuration.
	Reload func(context.Context, ReloadRequest) *Reload
	Backup func(context.Context, io.Writer) error // see jetstream.Log.Backup
	Trail  *trail.Trail
	Now    func() time.Time // the gateway's clock; nil is time.Now
	Logger *slog.Logger
}

// Running is a configuration in force, with the parts that run for it. It must not be changed.
type Running struct {
	Config   *config.Config
	Revision uint64
	Read     time.Time // when the configuration was read
	Hosts    map[string]*plugin.Host
	// Unavailable has the cause for each channel that is not usable, because its adapter did not start or did not accept
	// the channel.
	Unavailable map[string]string
}

// Admin serves the API.
type Admin struct {
	Options
	accepting atomic.Bool
	metrics   *metricsGatherer
}

// New returns an Admin and registers its metrics. The Admin reports "not ready" until SetAccepting(true) is called.
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

// SetAccepting sets whether the public listener accepts requests.
func (a *Admin) SetAccepting(accepting bool) { a.accepting.Store(accepting) }

// Handler returns the HTTP handler. It refuses requests that a browser sends on behalf of another site.
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	api := func(pattern string, serve http.HandlerFunc, parameters ...string) {
		mux.HandleFunc(pattern, onlyParameters(serve, parameters))
	}
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /healthz", live)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	api("GET /api/trace", a.trace, "id", "text", "all")
	api("GET /api/decisions", a.decisions, "id", "last")
	api("GET /api/conversations", a.conversationList, "channel")
	api("GET /api/conversations/{id}", a.conversationShow)
	api("GET /api/conversations/{id}/export", a.conversationExport, "config", "texts")
	for _, command := range []string{"close", "pass", "home", "note"} {
		api("POST /api/conversations/{id}/"+command, a.conversationCommand(command))
	}
	api("GET /api/channels", a.channelList)
	api("POST /api/channels/{name}/pause", a.channelPause(true))
	api("POST /api/channels/{name}/resume", a.channelPause(false))
	api("GET /api/backup", a.backup)
	api("GET /api/drain", a.drainStatus)
	api("POST /api/drain", a.drainStart)
	api("GET /api/dead-letters", a.deadLetterList, "channel")
	api("GET /api/dead-letters/{id}", a.deadLetterShow, "text")
	api("POST /api/dead-letters/{id}/replay", a.deadLetterReplay)
	api("DELETE /api/dead-letters/{id}", a.deadLetterDrop)
	api("GET /api/config", a.configShow)
	api("POST /api/config/reload", a.reload)
	api("GET /api/adapters", a.adapterList)
	api("POST /api/adapters/{name}/restart", a.adapterRestart)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return requireLocalHost(http.NewCrossOriginProtection().Handler(mux))
}

// onlyParameters refuses requests with parameters in the URL that the endpoint does not have.
func onlyParameters(serve http.HandlerFunc, parameters []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name := range r.URL.Query() {
			if !slices.Contains(parameters, name) {
				known := "this endpoint has no parameters; the fields of a command go in the body"
				if len(parameters) > 0 {
					known = "the parameters are " + strings.Join(parameters, ", ")
				}
				reply(w, http.StatusBadRequest, problem{fmt.Sprintf("unknown parameter %q in the URL; %s", name, known)})
				return
			}
		}
		serve(w, r)
	}
}

// requireLocalHost refuses requests whose Host is a name other than localhost. An attacker's DNS can resolve a name to
// a loopback address. A browser would then send requests of the attacker's page to the gateway.
func requireLocalHost(next http.Handler) http.Handler {
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

// retryAfter is the value of the header Retry-After, in seconds, if the gateway cannot serve a request now.
const retryAfter = "5"

// fail responds with 503 if the gateway cannot do the operation now, and with 500 otherwise. operation is a verb
// phrase.
func (a *Admin) fail(w http.ResponseWriter, operation string, err error) {
	a.Logger.Error("request failed", "operation", operation, "error", err)
	status := http.StatusInternalServerError
	if errors.Is(err, writer.ErrNotStored) || errors.Is(err, writer.ErrStopping) ||
		errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", retryAfter)
	}
	reply(w, status, problem{fmt.Sprintf("%s: %v", operation, err)})
}
