package ingress

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"patchbay/core/internal/plugin"
	"patchbay/core/internal/writer"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// refusal is the response to a request that was not accepted.
type refusal struct {
	status     int
	reason     string // metric label
	text       string // for the vendor
	detail     string // for the log output
	body       []byte // from the adapter; nil uses the endpoint's template
	retryAfter int    // seconds; 0 sends none
	allow      string // allowed methods
}

var pathUnknown = &refusal{
	status: http.StatusServiceUnavailable, reason: "adapter_not_ready", text: "temporarily unavailable, try again",
	detail: "no channel receives on this path, but an adapter is missing since the start", retryAfter: 5,
}

var notFound = &refusal{status: http.StatusNotFound, reason: "path", text: "no channel receives on this path"}

func bodyTooLarge(limit int64) *refusal {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, reason: "size",
		text: "body too large: at most " + strconv.FormatInt(limit, 10) + " bytes",
	}
}

func busy(text string) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, reason: "busy", text: text, retryAfter: 1}
}

// tooManyGuesses refuses a request from a network with too many failed authentications.
func tooManyGuesses(wait time.Duration) *refusal {
	return &refusal{
		status: http.StatusTooManyRequests, reason: "guesses", text: "too many requests with wrong credentials",
		retryAfter: int(wait / time.Second),
	}
}

// notAccepted returns the refusal for an error of the writer.
func notAccepted(err error) *refusal {
	reason := "store"
	switch {
	case errors.Is(err, writer.ErrDraining):
		reason = "drain"
	case errors.Is(err, writer.ErrStopping):
		reason = "stopping"
	}
	return unavailableRefusal(reason, err, 5)
}

func adapterFailure(err error) *refusal {
	if errors.Is(err, plugin.ErrNotReady) {
		return unavailableRefusal("adapter_not_ready", err, 1)
	}
	return unavailableRefusal("adapter", err, 2)
}

func unavailableRefusal(reason string, err error, retryAfter int) *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, reason: reason, text: "temporarily unavailable, try again",
		detail: err.Error(), retryAfter: retryAfter,
	}
}

func invalidEnvelopes(err error) *refusal {
	return &refusal{status: http.StatusInternalServerError, reason: "adapter", text: "internal error", detail: err.Error()}
}

// adapterRefusal returns the refusal for an error that the adapter returned.
func adapterRefusal(e *pluginpb.Error) *refusal {
	kind := sdk.ErrorKind(e.GetKind())
	refused := &refusal{status: int(e.GetStatus()), reason: reasonOf(kind), body: e.GetBody(), detail: e.GetText()}
	if refused.status == 0 {
		refused.status = statusOf(kind)
	}
	if !isFinalStatus(refused.status) {
		refused.status = http.StatusInternalServerError
	}
	refused.text = http.StatusText(refused.status)
	if e.GetField() != "" {
		refused.text = e.GetField() + ": " + e.GetText()
		refused.detail = refused.text
	}
	if refused.status == http.StatusUnauthorized {
		refused.text = "unauthorized"
	}
	if refused.status == http.StatusServiceUnavailable || refused.status == http.StatusTooManyRequests {
		refused.retryAfter = max(int(e.GetAfter().AsDuration()/time.Second), 1)
	}
	return refused
}

// isFinalStatus reports whether net/http accepts status for a final response. net/http panics at values outside 100 to
// 999.
func isFinalStatus(status int) bool { return 200 <= status && status <= 999 }

// reasonOf returns the metric label of an error kind, or "other" if the kind is unknown.
func reasonOf(k sdk.ErrorKind) string {
	switch k {
	case sdk.KindInvalid, sdk.KindUnauthorized, sdk.KindUnsupported, sdk.KindPermanent, sdk.KindTransient,
		sdk.KindThrottled, sdk.KindDeclined, sdk.KindGone, sdk.KindUnknown:
		return string(k)
	}
	return "other"
}

func statusOf(k sdk.ErrorKind) int {
	switch k {
	case sdk.KindInvalid:
		return http.StatusBadRequest
	case sdk.KindUnauthorized:
		return http.StatusUnauthorized
	case sdk.KindUnsupported:
		return http.StatusUnsupportedMediaType
	case sdk.KindThrottled:
		return http.StatusTooManyRequests
	case sdk.KindTransient:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
