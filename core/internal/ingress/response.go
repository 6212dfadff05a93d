package ingress

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// respond writes the adapter's response and returns its status. An invalid status becomes 200, because the envelopes
// are stored.
func (h *Handler) respond(ep *Endpoint, w http.ResponseWriter, a *pluginpb.HttpResponse) int {
	status := int(a.GetStatus())
	if !isFinalStatus(status) {
		status = http.StatusOK
	}
	for _, f := range a.GetHeader() {
		h.setHeader(ep, w.Header(), f.GetName(), f.GetValue())
	}
	if a.GetContentType() != "" {
		h.setHeader(ep, w.Header(), "Content-Type", a.GetContentType())
	}
	w.WriteHeader(status)
	_, _ = w.Write(a.GetBody()) // fails if the caller has disconnected
	return status
}

// setHeader sets a header of the adapter's response. It drops a header that is not allowed, and logs that once.
func (h *Handler) setHeader(ep *Endpoint, to http.Header, name, value string) {
	canonical, ok := allowedHeader(name, value)
	if ok {
		to.Set(canonical, value)
		return
	}
	if _, logged := h.droppedHeaders.LoadOrStore([2]string{ep.Adapter, canonical}, true); !logged {
		h.Logger.Warn("header dropped from the adapter's responses",
			"adapter", ep.Adapter, "header", text.Abbreviate(name, maxLoggedPath))
	}
}

// refuse writes a refusal in the vendor's form, and logs it without the request's content.
func (h *Handler) refuse(ep *Endpoint, w http.ResponseWriter, r *http.Request, refused *refusal) {
	h.Observer.Refused(ep.Adapter, refused.reason)
	h.logRefusal(ep, r, refused)
	body := refused.body
	if body == nil {
		body = ep.Refusal.fill(refused.status, refused.text)
	}
	w.Header().Set("Content-Type", ep.Refusal.contentType())
	if refused.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(refused.retryAfter))
	}
	if refused.allow != "" {
		w.Header().Set("Allow", refused.allow)
	}
	if refused.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(refused.status)
	_, _ = w.Write(body)
}

func (t RefusalTemplate) contentType() string {
	if t.ContentType == "" {
		return "application/json"
	}
	return t.ContentType
}

// fill returns the template's body with status and text.
func (t RefusalTemplate) fill(status int, text string) []byte {
	body := t.Body
	if body == "" {
		body = `{"error":{"status":{{status}},"message":"{{text}}"}}`
	}
	if strings.Contains(t.contentType(), "json") {
		quoted, _ := json.Marshal(text) // cannot fail for a string
		text = string(quoted[1 : len(quoted)-1])
	}
	return []byte(strings.NewReplacer("{{status}}", strconv.Itoa(status), "{{text}}", text).Replace(body))
}
