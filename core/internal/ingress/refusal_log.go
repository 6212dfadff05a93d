package ingress

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"patchbay/sdk/text"
)

// Limits on the log lines that callers can cause.
const (
	linesPerSecond = 5 // per adapter and reason
	maxLoggedPath  = 200
	maxLoggedText  = 500
)

// logRefusal logs a refusal unless the rate limit is reached.
func (h *Handler) logRefusal(ep *Endpoint, r *http.Request, refused *refusal) {
	if !h.logLimiter.allow(ep.Adapter, refused.reason) {
		return
	}
	h.Logger.Info("request refused", "adapter", ep.Adapter, "path", text.Abbreviate(r.URL.Path, maxLoggedPath),
		"status", refused.status, "reason", refused.reason, "remote", remote(r, h.clientAddress(r)),
		"detail", text.Abbreviate(refused.detail, maxLoggedText))
}

// logLimiter limits the rate of log lines for refusals, which any caller can cause. It is safe for concurrent use.
type logLimiter struct {
	logger  *slog.Logger
	mu      sync.Mutex
	windows map[[2]string]*logWindow // by adapter and reason; each exists for one second
}

// logWindow counts the refusals of one second for one adapter and reason.
type logWindow struct{ lines, suppressed int }

// allow reports whether to log this refusal. The refusals that are not logged are counted, and the count is logged at
// the end of the second.
func (l *logLimiter) allow(adapter, reason string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{adapter, reason}
	w := l.windows[key]
	if w == nil {
		w = &logWindow{}
		l.windows[key] = w
		time.AfterFunc(time.Second, func() { l.end(key) })
	}
	if w.lines == linesPerSecond {
		w.suppressed++
		return false
	}
	w.lines++
	return true
}

func (l *logLimiter) end(key [2]string) {
	l.mu.Lock()
	w := l.windows[key]
	delete(l.windows, key)
	l.mu.Unlock()
	if w.suppressed > 0 {
		l.logger.Info("refusals not logged", "adapter", key[0], "reason", key[1], "count", w.suppressed)
	}
}
