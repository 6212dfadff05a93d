// Package simulator provides the common parts of simulated vendors: endpoints with strict decoding and errors in the
// vendor's format, injected faults, records for tests, and ordered webhook calls with retries.
package simulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	jsonv2 "github.com/go-json-experiment/json"
)

// Vendor is the part that all simulated vendors have in common. Create it with NewVendor and end it with Close; it is
// safe for concurrent use.
type Vendor struct {
	Faults Faults
	// Problems lists the reasons for refused calls, and other problems that Report adds.
	Problems Log[string]
	// Outcomes lists the outcomes of the webhook calls, in the order of completion.
	Outcomes Log[Outcome]
	Client   *http.Client // makes the webhook calls
	Logger   *slog.Logger // logs the problems and the webhook calls that are given up; by default, it discards them

	retry    Retry
	refuse   func(Fault) *Refusal
	gateway  atomic.Pointer[string]
	ctx      context.Context
	cancel   context.CancelFunc
	workers  sync.WaitGroup
	queued   atomic.Int64
	accepted Table[int]

	mu     sync.Mutex
	queues map[string]*Log[Call]
}

// NewVendor returns a vendor without endpoints. retry applies to its webhook calls. refuse returns the refusal for a
// Refuse or ExpiredToken fault, or for an invalid call, in the vendor's format; nil means the format of Refused.
func NewVendor(retry Retry, refuse func(Fault) *Refusal) *Vendor {
	if refuse == nil {
		refuse = refuseFault
	}
	v := &Vendor{retry: retry, refuse: refuse, Client: NewClient(), queues: map[string]*Log[Call]{}}
	v.Logger = slog.New(slog.DiscardHandler)
	v.SetGateway("")
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v
}

// SetGateway sets the base address of the gateway's webhooks, such as "http://127.0.0.1:8080".
func (v *Vendor) SetGateway(base string) { v.gateway.Store(&base) }

// Gateway returns the base address of the gateway's webhooks.
func (v *Vendor) Gateway() string { return *v.gateway.Load() }

// Close ends the webhook calls, including those in flight, and waits for them.
func (v *Vendor) Close() {
	v.mu.Lock()
	v.cancel()
	v.mu.Unlock()
	v.workers.Wait()
	v.Client.CloseIdleConnections()
}

// Report adds a problem with a call to Problems and logs it.
func (v *Vendor) Report(problem string) {
	v.Problems.Append(problem)
	v.Logger.Warn("problem with a call of the gateway", "problem", problem)
}

// AcceptedCalls returns the number of successful calls of an endpoint.
func (v *Vendor) AcceptedCalls(endpoint string) int {
	n, _ := v.accepted.Get(endpoint)
	return n
}

// Request is a call of an endpoint.
type Request struct {
	*http.Request
	Body           []byte
	ResponseHeader http.Header // headers of the response
	User           string      // the authenticated user, set by the vendor's endpoints
}

// Endpoint handles a call. If the result is an http.Handler, it writes the response; any other result is sent as JSON.
// An error that is not a *Refusal means that the call is invalid: it is sent as a refusal with status 400 and the
// error's text, in the vendor's format.
type Endpoint func(*Request) (any, error)

// JSON returns an endpoint for calls with a JSON body, which Decode must be able to decode into a T.
func JSON[T any](next func(*Request, *T) (any, error)) Endpoint {
	return func(r *Request) (any, error) {
		given, in := r.Header.Get("Content-Type"), new(T)
		if media, _, err := mime.ParseMediaType(given); err != nil || media != "application/json" {
			return nil, fmt.Errorf("Content-Type: %q, must be application/json", given)
		}
		if err := Decode(r.Body, in); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		return next(r, in)
	}
}

// Refusal is an error that is sent to the caller.
type Refusal struct {
	Status  int
	Body    any    // sent as JSON
	Problem string // the reason, for Vendor.Problems
}

func (r *Refusal) Error() string { return r.Problem }

// Refused returns a refusal with the body {"error": problem}.
func Refused(status int, problem string) *Refusal {
	return &Refusal{Status: status, Body: map[string]string{"error": problem}, Problem: problem}
}

func refuseFault(f Fault) *Refusal {
	if f.Kind == ExpiredToken {
		return Refused(http.StatusUnauthorized, "token has expired")
	}
	return Refused(cmp.Or(f.Status, http.StatusBadRequest), cmp.Or(f.Text, "refused by a fault"))
}

// maxBody is the maximum size of a call's body in bytes. It allows for files in base64.
const maxBody = 64 << 20

// Endpoint returns an HTTP handler for endpoint. It applies the faults for name.
func (v *Vendor) Endpoint(name string, endpoint Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// net/http detects that the caller disconnects only after the body has been read.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "body is not readable", http.StatusBadRequest)
			return
		}
		v.Faults.serve(w, r, name, func(w http.ResponseWriter) {
			v.respond(w, name, &Request{Request: r, Body: body, ResponseHeader: w.Header()}, endpoint)
		})
	})
}

func (v *Vendor) respond(w http.ResponseWriter, name string, r *Request, endpoint Endpoint) {
	var result any
	var err error
	if f, ok := v.Faults.Take(name, ExpiredToken, Refuse); ok {
		f.setRetryAfter(r.ResponseHeader)
		err = v.refuse(f)
	} else {
		result, err = endpoint(r)
	}
	if err != nil {
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok {
			refusal = v.refuse(Fault{Kind: Refuse, Status: http.StatusBadRequest, Text: err.Error()})
		}
		v.Report(refusal.Problem)
		writeJSON(w, refusal.Status, refusal.Body)
		return
	}
	v.accepted.Update(name, func(n int) int { return n + 1 })
	if h, ok := result.(http.Handler); ok {
		h.ServeHTTP(w, r.Request)
		return
	}
	writeJSON(w, http.StatusOK, result)
}

// Decode decodes exactly one JSON value. Member names are case-sensitive; unknown members are an error.
func Decode(body []byte, into any) error {
	return jsonv2.Unmarshal(body, into, jsonv2.RejectUnknownMembers(true))
}

// IsWebAddress returns whether s is an absolute http or https address.
func IsWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only if the caller has disconnected
}
