package ingress

import (
	"net/http"
	"strings"

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
	if !h.logLimiter.Allow(ep.Adapter + " " + refused.reason) {
		return
	}
	h.Logger.Info("request refused", "adapter", ep.Adapter, "path", text.Abbreviate(r.URL.Path, maxLoggedPath),
		"status", refused.status, "reason", refused.reason, "remote", remote(r, h.clientAddress(r)),
		"detail", text.Abbreviate(refused.detail, maxLoggedText))
}

// logSuppressed logs how many refusals were not logged in a second.
func (h *Handler) logSuppressed(key string, count int) {
	adapter, reason, _ := strings.Cut(key, " ")
	h.Logger.Info("refusals not logged", "adapter", adapter, "reason", reason, "count", count)
}
