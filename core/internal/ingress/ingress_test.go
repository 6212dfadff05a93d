package ingress

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"patchbay/core/internal/inbound"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type receiveFunc = func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error)

type keptWebhook struct {
	envelope    *inbound.Envelope
	kind, cause string
}

// fake is an adapter, a writer and an observer for one handler.
type fake struct {
	receive  receiveFunc
	accept   func(context.Context, []*inbound.Envelope) error
	writable error

	keepError error
	done      atomic.Int64 // number of calls of done

	mu       sync.Mutex
	calls    []*pluginpb.ReceiveCall
	accepted []string
	kept     []keptWebhook
	observed []string
}

func (f *fake) Receive(ctx context.Context, c *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, func(), error) {
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.receive == nil {
		return &pluginpb.ReceiveResult{}, func() {}, nil
	}
	res, err := f.receive(ctx, c)
	return res, func() { f.done.Add(1) }, err
}

func (f *fake) Keep(_ context.Context, in *inbound.Envelope, kind, cause string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, keptWebhook{in, kind, cause})
	return f.keepError
}

func (f *fake) Accept(ctx context.Context, in []*inbound.Envelope) error {
	f.mu.Lock()
	for _, i := range in {
		f.accepted = append(f.accepted, i.Channel+" "+i.Envelope.VendorID)
	}
	f.mu.Unlock()
	if f.accept == nil {
		return nil
	}
	return f.accept(ctx, in)
}

func (f *fake) Writable() error { return f.writable }

func (f *fake) observe(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.observed = append(f.observed, fmt.Sprintf(format, args...))
}

func (f *fake) Received(channel string)        { f.observe("received %s", channel) }
func (f *fake) Refused(adapter, reason string) { f.observe("refused %s %s", adapter, reason) }
func (f *fake) Responded(adapter string, status int, _ time.Duration) {
	f.observe("answered %s %d", adapter, status)
}

func (f *fake) endpoint() Endpoint {
	return Endpoint{
		Adapter: "bot", Receiver: f, Channels: []string{"faq"}, Prefix: "/x", Pattern: "/hooks/{id}",
		Methods: []string{"POST", "PUT"}, ContentTypes: []string{"application/json"}, MaxBody: 16,
		Refusal: RefusalTemplate{ContentType: "application/json", Body: `{"code":{{status}},"msg":"{{text}}"}`},
	}
}

// options returns the options of a handler with the given endpoints, or with f.endpoint if there are none.
func (f *fake) options(endpoints ...Endpoint) Options {
	if len(endpoints) == 0 {
		endpoints = []Endpoint{f.endpoint()}
	}
	return Options{Endpoints: endpoints, Writer: f, Observer: f, Logger: slog.New(slog.DiscardHandler)}
}

func newHandler(t *testing.T, o Options) *Handler {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (f *fake) handler(t *testing.T, endpoints ...Endpoint) *Handler {
	t.Helper()
	return newHandler(t, f.options(endpoints...))
}

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func encodedEnvelope(t *testing.T, channel, id string) []byte {
	t.Helper()
	b, err := protocol.EncodeEnvelope(&envelope.Envelope{
		Channel: channel, Thread: "t", VendorID: id, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleBot}, Parts: []envelope.Part{envelope.TextPart("hello")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// receives returns a receive function that returns an envelope for each id and the response 202.
func receives(t *testing.T, channel string, ids ...string) receiveFunc {
	t.Helper()
	res := &pluginpb.ReceiveResult{Response: &pluginpb.HttpResponse{
		Status: 202, ContentType: "text/plain", Body: []byte("thanks"),
		Header: []*pluginpb.Header{{Name: "X-Vendor", Value: "yes"}},
	}}
	for _, id := range ids {
		res.Envelopes = append(res.Envelopes, encodedEnvelope(t, channel, id))
	}
	return func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) { return res, nil }
}

// refuses returns a receive function that refuses each request.
func refuses(e *pluginpb.Error) receiveFunc {
	return func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		return &pluginpb.ReceiveResult{Error: e}, nil
	}
}

// failsWith returns a receive function that fails with err.
func failsWith(err error) receiveFunc {
	return func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) { return nil, err }
}
