package ingress

import (
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
	suppressed, ok := h.logLimiter.allow(ep.Adapter, refused.reason)
	if suppressed > 0 {
		h.Logger.Info("refusals not logged", "adapter", ep.Adapter, "reason", refused.reason, "count", suppressed)
	}
	if ok {
		h.Logger.Info("request refused", "adapter", ep.Adapter, "path", text.Abbreviate(r.URL.Path, maxLoggedPath),
			"status", refused.status, "reason", refused.reason, "remote", r.RemoteAddr,
			"detail", text.Abbreviate(refused.detail, maxLoggedText))
	}
}

// logLimiter limits the rate of log lines for refusals, which any caller can cause. It is safe for concurrent use.
type logLimiter struct {
	mu      sync.Mutex
	windows map[[2]string]*logWindow
}

// logWindow counts the refusals of one second for one adapter and reason.
type logWindow struct {
	began      time.Time
	lines      int
	suppressed int
}

// allow reports whether to log this refusal, and how many earlier refusals of its kind were not logged.
func (l *logLimiter) allow(adapter, reason string) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{adapter, reason}
	w := l.windows[key]
	if w == nil {
		w = &logWindow{}
		l.windows[key] = w
	}
	if time.Since(w.began) >= time.Second {
		suppressed = w.suppressed
		*w = logWindow{began: time.Now()}
	}
	if w.lines == linesPerSecond {
		w.suppressed++
		return 0, false
	}
	w.lines++
	return suppressed, true
}
