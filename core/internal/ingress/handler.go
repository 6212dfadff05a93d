package ingress

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/writer"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Handler is the http.Handler of the public listener.
type Handler struct {
	Options
	mu             sync.RWMutex // guards the next two fields
	table          *Table
	admissions     map[string]*admission // by adapter
	logLimiter     *telemetry.LogLimiter
	guesses        *guessLimit
	proxyWarning   sync.Once
	limitWarning   rate.Sometimes
	droppedHeaders sync.Map // set of [2]string{adapter, header}: each is logged once
}

// New returns a handler. It fails if a path is malformed or conflicts with another path.
func New(o Options) (*Handler, error) {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.BodyBytes <= 0 {
		o.BodyBytes = defaultBodyBytes
	}
	h := &Handler{
		Options: o, admissions: map[string]*admission{},
		guesses: newGuessLimit(), limitWarning: rate.Sometimes{Interval: time.Hour},
	}
	h.logLimiter = telemetry.NewLogLimiter(linesPerSecond, time.Second, h.logSuppressed)
	t, err := h.Table(o.Endpoints, o.Incomplete)
	if err != nil {
		return nil, err
	}
	h.Use(t)
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	t := h.enter()
	defer t.requests.Done()
	ep, path, found := t.route(r.URL)
	var response *pluginpb.HttpResponse
	refused := notFound
	if t.incomplete {
		refused = pathUnknown
	}
	if found {
		response, refused = h.handle(ep, path, w, r)
	}
	var status int
	if refused != nil {
		status = refused.status
		h.refuse(ep, w, r, refused)
	} else {
		status = h.respond(ep, w, response)
	}
	h.Observer.Responded(ep.Adapter, status, time.Since(began))
}

// handle returns the adapter's response after its envelopes are stored, or a refusal. path is the request's clean path.
func (h *Handler) handle(ep *Endpoint, path string, w http.ResponseWriter, r *http.Request,
) (*pluginpb.HttpResponse, *refusal) {
	if refused := ep.check(r); refused != nil {
		return nil, refused
	}
	if err := h.Writer.Writable(); err != nil {
		return nil, notAccepted(err)
	}
	client := h.clientAddress(r)
	guess := h.guesses.newGuess(ep, network(client), r)
	if wait := guess.wait(time.Now()); wait > 0 {
		h.warnOfSharedLimit(r)
		return nil, tooManyGuesses(wait)
	}
	body := ep.admission.bodies.track(ep, network(client), w, r)
	defer body.release()
	content, refused := ep.readBody(w, body)
	if refused != nil {
		return nil, refused
	}
	if !ep.admission.tryAcquire() { // after reading: a slow sender must not occupy a slot
		return nil, busy("too many concurrent requests")
	}
	defer ep.admission.release()
	ctx, cancel := context.WithTimeout(r.Context(), sdk.ReceiveTimeout)
	defer cancel()
	res, done, err := ep.Receiver.Receive(ctx, ep.receiveCall(r, path, remote(r, client), content))
	defer done()
	if given, ok := errors.AsType[*plugin.GivenUpError](err); ok {
		guess.noteFailure(time.Now())
		return nil, h.keepWebhook(r.Context(), ep, path, content, given)
	}
	if err != nil {
		return nil, adapterFailure(err)
	}
	guess.end(res, time.Now())
	if res.GetError() != nil {
		return nil, adapterRefusal(res.GetError())
	}
	in, err := ep.decode(res)
	if err != nil {
		return nil, invalidEnvelopes(err)
	}
	return res.GetResponse(), h.accept(r.Context(), in)
}

// accept stores the envelopes. Its timeout does not include the adapter's time.
func (h *Handler) accept(ctx context.Context, in []*inbound.Envelope) *refusal {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	err := h.Writer.Accept(ctx, in)
	switch {
	case err == nil:
		for _, i := range in {
			h.Observer.Received(i.Channel)
		}
		return nil
	case errors.Is(err, writer.ErrOverloaded):
		return &refusal{
			status: http.StatusTooManyRequests, reason: "overload", text: "too many messages wait, try again",
			detail: err.Error(), retryAfter: 1,
		}
	case errors.Is(err, writer.ErrBusy):
		return &refusal{
			status: http.StatusTooManyRequests, reason: "limit", text: "over a limit, try again later", retryAfter: 10,
		}
	case errors.Is(err, writer.ErrTooLarge):
		return &refusal{
			status: http.StatusRequestEntityTooLarge, reason: "size", text: "the message is too large", detail: err.Error(),
		}
	default:
		return notAccepted(err)
	}
}
