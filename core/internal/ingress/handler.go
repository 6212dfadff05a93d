package ingress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"patchbay/core/internal/adapter"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/writer"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Handler is the public listener's http.Handler.
type Handler struct {
	Options
	mux     *http.ServeMux
	sampler sampler
	told    sync.Map // adapter and field of an answer that was left out
}

// New builds the handler. It fails if two adapters claim one path.
func New(o Options) (*Handler, error) {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.BodyBytes <= 0 {
		o.BodyBytes = defaultBodyBytes
	}
	h := &Handler{Options: o, sampler: sampler{windows: map[[2]string]*window{}}}
	mux, err := h.routes()
	if err != nil {
		return nil, err
	}
	h.mux = mux
	return h, nil
}

// ServeHTTP answers one request. Paths are taken as they are: http.ServeMux would send callers with an unclean one
// elsewhere, and no vendor follows.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := r.URL.Path; strings.Contains(p, "//") || strings.Contains(p+"/", "/./") || strings.Contains(p+"/", "/../") {
		h.notFound(&Endpoint{}, w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// refusal is a "no" on its way to the vendor.
type refusal struct {
	status int
	reason string // label
	text   string // for the vendor
	detail string // for the log
	body   []byte // in the vendor's shape; nil is the endpoint's template
	after  int    // seconds until it may try again
	allow  string
}

// serve works on a request for one endpoint.
func (h *Handler) serve(ep *Endpoint, w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	answer, no := h.handle(ep, w, r)
	status := http.StatusOK
	if no != nil {
		status = no.status
		h.refuse(ep, w, r, no)
	} else {
		status = h.write(ep, w, answer)
	}
	h.Observer.Answered(ep.Adapter, status, time.Since(began))
}

func (h *Handler) handle(ep *Endpoint, w http.ResponseWriter, r *http.Request) (*pluginpb.HttpAnswer, *refusal) {
	if no := ep.check(r); no != nil {
		return nil, no
	}
	if err := h.Writer.Writable(); err != nil {
		return nil, unavailable(err)
	}
	coming := &body{from: r.Body, gate: ep.gate}
	defer coming.release()
	content, no := ep.read(w, coming)
	if no != nil {
		return nil, no
	}
	if !ep.gate.enter() { // only now: callers that send slowly must not keep the others out
		return nil, busy("too many requests at once")
	}
	defer ep.gate.leave()
	ctx, cancel := context.WithTimeout(r.Context(), sdk.ReceiveTimeout)
	defer cancel()
	res, err := ep.Receiver.Receive(ctx, ep.call(r, content))
	if err != nil {
		return nil, receiveFailed(err)
	}
	if res.GetError() != nil {
		return nil, refused(res.GetError())
	}
	in, err := ep.decode(res)
	if err != nil {
		return nil, &refusal{status: http.StatusInternalServerError, reason: "adapter", text: "internal error", detail: err.Error()}
	}
	return res.GetAnswer(), h.accept(r.Context(), in)
}

// accept stores the envelopes. Its time is its own: what the adapter took does not shorten it.
func (h *Handler) accept(ctx context.Context, in []*conversation.Inbound) *refusal {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	err := h.Writer.Accept(ctx, in)
	switch {
	case err == nil:
		for _, i := range in {
			h.Observer.Received(i.Channel)
		}
		return nil
	case errors.Is(err, writer.ErrBusy):
		return &refusal{status: http.StatusTooManyRequests, reason: "limit", text: "over a limit, try again later", after: 10}
	case errors.Is(err, writer.ErrTooLarge):
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "size", text: "the message is too large", detail: err.Error()}
	default:
		return unavailable(err)
	}
}

// check refuses what needs no look at the body.
func (ep *Endpoint) check(r *http.Request) *refusal {
	if len(ep.Methods) > 0 && !slices.Contains(ep.Methods, r.Method) {
		return &refusal{
			status: http.StatusMethodNotAllowed, reason: "method", allow: strings.Join(ep.Methods, ", "),
			text: "method not allowed: use " + strings.Join(ep.Methods, " or "),
		}
	}
	if len(ep.ContentTypes) > 0 {
		got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || !slices.Contains(ep.ContentTypes, got) {
			return &refusal{
				status: http.StatusUnsupportedMediaType, reason: "media_type",
				text: "unsupported content type: use " + strings.Join(ep.ContentTypes, " or "),
			}
		}
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return &refusal{status: http.StatusUnsupportedMediaType, reason: "encoding", text: "unsupported content encoding: send the body as it is"}
	}
	if r.ContentLength > ep.MaxBody {
		return tooLarge(ep.MaxBody)
	}
	return nil
}

func tooLarge(limit int64) *refusal {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, reason: "size", text: "body too large: at most " + strconv.FormatInt(limit, 10) + " bytes",
	}
}

func (ep *Endpoint) read(w http.ResponseWriter, from *body) ([]byte, *refusal) {
	content, err := io.ReadAll(http.MaxBytesReader(w, io.NopCloser(from), ep.MaxBody))
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return nil, tooLarge(ep.MaxBody)
	}
	if errors.Is(err, errFull) {
		return nil, busy(errFull.Error())
	}
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, reason: "body", text: "the body could not be read", detail: err.Error()}
	}
	return content, nil
}

func (ep *Endpoint) call(r *http.Request, body []byte) *pluginpb.ReceiveCall {
	full := r.URL.EscapedPath()
	path, plain := strings.CutPrefix(full, ep.Prefix)
	if !plain { // the caller has escaped what needs no escape
		path = (&url.URL{Path: strings.TrimPrefix(r.URL.Path, ep.Prefix)}).EscapedPath()
	}
	c := &pluginpb.ReceiveCall{
		Channels: ep.Channels, Method: r.Method, Host: r.Host, Path: path, FullPath: full,
		Query: r.URL.RawQuery, Body: body, Remote: r.RemoteAddr, Header: make([]*pluginpb.Header, 0, len(r.Header)),
	}
	for name, values := range r.Header {
		for _, v := range values {
			c.Header = append(c.Header, &pluginpb.Header{Name: name, Value: v})
		}
	}
	return c
}

// decode reads the envelopes and holds the adapter to its channels.
func (ep *Endpoint) decode(res *pluginpb.ReceiveResult) ([]*conversation.Inbound, error) {
	in, err := conversation.Decode(res.GetEnvelopes(), ep.Channels)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", ep.Adapter, err)
	}
	return in, nil
}

func receiveFailed(err error) *refusal {
	if errors.Is(err, adapter.ErrNotReady) {
		return &refusal{status: http.StatusServiceUnavailable, reason: "adapter_away", text: "temporarily unavailable, try again", detail: err.Error(), after: 1}
	}
	return &refusal{status: http.StatusServiceUnavailable, reason: "adapter", text: "temporarily unavailable, try again", detail: err.Error(), after: 2}
}

func busy(text string) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, reason: "busy", text: text, after: 1}
}

func unavailable(err error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, reason: "store", text: "temporarily unavailable, try again", detail: err.Error(), after: 5}
}

// refused turns the adapter's own "no" into an answer.
func refused(e *pluginpb.Error) *refusal {
	no := &refusal{status: int(e.GetStatus()), reason: reasonOf(sdk.ErrorKind(e.GetKind())), body: e.GetBody(), detail: e.GetText()}
	if no.status == 0 {
		no.status = statusOf(sdk.ErrorKind(e.GetKind()))
	}
	if no.status < 200 || no.status > 999 { // net/http would panic
		no.status = http.StatusInternalServerError
	}
	no.text = http.StatusText(no.status)
	if e.GetField() != "" {
		no.text = e.GetField() + ": " + e.GetText()
		no.detail = no.text
	}
	if no.status == http.StatusUnauthorized {
		no.text = "unauthorized"
	}
	if no.status == http.StatusServiceUnavailable || no.status == http.StatusTooManyRequests {
		no.after = max(int(e.GetAfter().AsDuration()/time.Second), 1)
	}
	return no
}

// reasonOf returns what an error's kind is counted as. An adapter may name a kind that there is none of.
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
