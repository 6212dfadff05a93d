package ingress

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"patchbay/sdk/protocol/pluginpb"
)

// write sends the adapter's answer and returns its status.
func (h *Handler) write(ep *Endpoint, w http.ResponseWriter, a *pluginpb.HttpAnswer) int {
	status := int(a.GetStatus())
	if status < 200 || status > 999 { // none was given, or one that net/http would panic at; the envelopes are stored
		status = http.StatusOK
	}
	for _, f := range a.GetHeader() {
		h.set(ep, w.Header(), f.GetName(), f.GetValue())
	}
	if a.GetContentType() != "" {
		h.set(ep, w.Header(), "Content-Type", a.GetContentType())
	}
	w.WriteHeader(status)
	_, _ = w.Write(a.GetBody()) // the caller has gone if it fails; what it sent is stored all the same
	return status
}

// set takes a field of the adapter's answer, or leaves it out and says so once.
func (h *Handler) set(ep *Endpoint, to http.Header, name, value string) {
	canonical, ok := field(name, value)
	if ok {
		to.Set(canonical, value)
		return
	}
	if _, told := h.told.LoadOrStore([2]string{ep.Adapter, canonical}, true); !told {
		h.Logger.Warn("field left out of the adapter's answers", "adapter", ep.Adapter, "field", clip(name, maxLoggedPath))
	}
}

// refuse sends a "no" in the vendor's shape and logs it, without the message.
func (h *Handler) refuse(ep *Endpoint, w http.ResponseWriter, r *http.Request, no *refusal) {
	h.Observer.Refused(ep.Adapter, no.reason)
	leftOut, ok := h.sampler.take(ep.Adapter, no.reason)
	if leftOut > 0 {
		h.Logger.Info("requests refused", "adapter", ep.Adapter, "reason", no.reason, "left_out", leftOut)
	}
	if ok {
		h.Logger.Info("request refused", "adapter", ep.Adapter, "path", clip(r.URL.Path, maxLoggedPath), "status", no.status,
			"reason", no.reason, "remote", r.RemoteAddr, "detail", clip(no.detail, maxLoggedText))
	}
	body := no.body
	if body == nil {
		body = ep.Refusal.fill(no.status, no.text)
	}
	w.Header().Set("Content-Type", ep.Refusal.contentType())
	if no.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.after))
	}
	if no.allow != "" {
		w.Header().Set("Allow", no.allow)
	}
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(body)
}

func (f Refusal) contentType() string {
	if f.ContentType == "" {
		return "application/json"
	}
	return f.ContentType
}

// fill puts status and text into the template.
func (f Refusal) fill(status int, text string) []byte {
	body := f.Body
	if body == "" {
		body = `{"error":{"status":{{status}},"message":"{{text}}"}}`
	}
	if strings.Contains(f.contentType(), "json") {
		quoted, _ := json.Marshal(text) // a string always has a JSON form
		text = string(quoted[1 : len(quoted)-1])
	}
	return []byte(strings.NewReplacer("{{status}}", strconv.Itoa(status), "{{text}}", text).Replace(body))
}
