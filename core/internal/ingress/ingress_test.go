package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/core/internal/adapter"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an adapter, a writer and an observer in one.
type fake struct {
	receive func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error)
	accept  func(context.Context, []*conversation.Inbound) error
	down    error

	mu       sync.Mutex
	calls    []*pluginpb.ReceiveCall
	accepted []string
	counted  []string
}

func (f *fake) Receive(ctx context.Context, c *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.receive == nil {
		return &pluginpb.ReceiveResult{}, nil
	}
	return f.receive(ctx, c)
}

func (f *fake) Accept(ctx context.Context, in []*conversation.Inbound) error {
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

func (f *fake) Writable() error { return f.down }

func (f *fake) count(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counted = append(f.counted, fmt.Sprintf(format, args...))
}

func (f *fake) Received(channel string)        { f.count("received %s", channel) }
func (f *fake) Refused(adapter, reason string) { f.count("refused %s %s", adapter, reason) }
func (f *fake) Answered(adapter string, status int, _ time.Duration) {
	f.count("answered %s %d", adapter, status)
}

func (f *fake) endpoint() Endpoint {
	return Endpoint{
		Adapter: "bot", Receiver: f, Channels: []string{"faq"}, Prefix: "/x", Pattern: "/hooks/{id}", Methods: []string{"POST", "PUT"},
		ContentTypes: []string{"application/json"}, MaxBody: 16,
		Refusal: Refusal{ContentType: "application/json", Body: `{"code":{{status}},"msg":"{{text}}"}`},
	}
}

func (f *fake) handler(t *testing.T, eps ...Endpoint) *Handler {
	t.Helper()
	if len(eps) == 0 {
		eps = []Endpoint{f.endpoint()}
	}
	h, err := New(Options{Endpoints: eps, Writer: f, Observer: f, Logger: slog.New(slog.DiscardHandler), Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	return h
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

func encoded(t *testing.T, channel, id string) []byte {
	t.Helper()
	b, err := protocol.EncodeEnvelope(&envelope.Envelope{
		Channel: channel, Thread: "t", VendorID: id, Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleBot},
		Parts: []envelope.Part{envelope.TextPart("hello")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// result makes the adapter answer with envelopes.
func result(t *testing.T, channel string, ids ...string) func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	t.Helper()
	res := &pluginpb.ReceiveResult{Answer: &pluginpb.HttpAnswer{
		Status: 202, ContentType: "text/plain", Body: []byte("thanks"), Header: []*pluginpb.Header{{Name: "X-Vendor", Value: "yes"}},
	}}
	for _, id := range ids {
		res.Envelopes = append(res.Envelopes, encoded(t, channel, id))
	}
	return func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) { return res, nil }
}

func adapterSays(e *pluginpb.Error) func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
	return func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		return &pluginpb.ReceiveResult{Error: e}, nil
	}
}

func TestAnswerAndOrder(t *testing.T) {
	f := &fake{}
	f.receive = result(t, "faq", "m1", "m2")
	w := serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if w.Code != 202 || w.Body.String() != "thanks" || w.Header().Get("Content-Type") != "text/plain" || w.Header().Get("X-Vendor") != "yes" {
		t.Errorf("answer %d %q %v, want the adapter's", w.Code, w.Body, w.Header())
	}
	if diff := cmp.Diff([]string{"faq m1", "faq m2"}, f.accepted); diff != "" {
		t.Errorf("accepted differ:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"received faq", "received faq", "answered bot 202"}, f.counted); diff != "" {
		t.Errorf("counted differ:\n%s", diff)
	}
}

func TestNothingIsAnsweredBeforeItIsStored(t *testing.T) {
	f := &fake{receive: result(t, "faq", "m1")}
	entered, release := make(chan struct{}), make(chan struct{})
	f.accept = func(context.Context, []*conversation.Inbound) error { close(entered); <-release; return nil }
	srv := httptest.NewServer(f.handler(t))
	defer srv.Close()
	type outcome struct {
		status int
		err    error
	}
	answered := make(chan outcome, 1)
	go func() {
		resp, err := srv.Client().Post(srv.URL+"/x/hooks/7", "application/json", strings.NewReader("{}"))
		if err != nil {
			answered <- outcome{0, err}
			return
		}
		_ = resp.Body.Close()
		answered <- outcome{resp.StatusCode, nil}
	}()
	<-entered
	select {
	case o := <-answered:
		t.Fatalf("answered %+v before Accept returned", o)
	default:
	}
	close(release)
	if o := <-answered; o.err != nil || o.status != 202 {
		t.Errorf("answer %+v, want 202", o)
	}
}

func TestWhatTheAdapterGets(t *testing.T) {
	f := &fake{}
	r := request("POST", "/x/hooks/a%2Fb?q=1&q=%20", `{"a":1}`)
	r.Header.Add("X-Signature", "one")
	r.Header.Add("X-Signature", "two")
	r.Host, r.RemoteAddr = "gateway.example", "192.0.2.7:1234"
	if w := serve(f.handler(t), r); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("answer %d %q, want an empty 200: the adapter gave none", w.Code, w.Body)
	}
	c := f.calls[0]
	if c.GetPath() != "/hooks/a%2Fb" || c.GetFullPath() != "/x/hooks/a%2Fb" || c.GetQuery() != "q=1&q=%20" {
		t.Errorf("path %q, full %q, query %q", c.GetPath(), c.GetFullPath(), c.GetQuery())
	}
	if c.GetMethod() != "POST" || c.GetHost() != "gateway.example" || c.GetRemote() != "192.0.2.7:1234" || string(c.GetBody()) != `{"a":1}` {
		t.Errorf("call %v", c)
	}
	var signatures []string
	for _, h := range c.GetHeader() {
		if h.GetName() == "X-Signature" {
			signatures = append(signatures, h.GetValue())
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, signatures); diff != "" {
		t.Errorf("header differs:\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	chunked := func(body string) *http.Request {
		r := request("POST", "/x/hooks/7", "")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), -1
		return r
	}
	with := func(r *http.Request, name, value string) *http.Request { r.Header.Set(name, value); return r }
	ok := func() *http.Request { return request("POST", "/x/hooks/7", "{}") }
	for name, tc := range map[string]struct {
		fake   *fake
		r      *http.Request
		status int
		text   string // in the template
		reason string
		header map[string]string
	}{
		"method":          {r: request("GET", "/x/hooks/7", ""), status: 405, text: "method not allowed: use POST or PUT", reason: "method", header: map[string]string{"Allow": "POST, PUT"}},
		"media type":      {r: with(ok(), "Content-Type", "text/html"), status: 415, text: "unsupported content type: use application/json", reason: "media_type"},
		"no media type":   {r: with(ok(), "Content-Type", ""), status: 415, text: "unsupported content type: use application/json", reason: "media_type"},
		"encoding":        {r: with(ok(), "Content-Encoding", "gzip"), status: 415, text: "unsupported content encoding: send the body as it is", reason: "encoding"},
		"size, said":      {r: request("POST", "/x/hooks/7", strings.Repeat("x", 17)), status: 413, text: "body too large: at most 16 bytes", reason: "size"},
		"size, not said":  {r: chunked(strings.Repeat("x", 17)), status: 413, text: "body too large: at most 16 bytes", reason: "size"},
		"path":            {r: request("POST", "/x/hooks/7/more", "{}"), status: 404, text: "no channel receives on this path", reason: "path"},
		"store is down":   {fake: &fake{down: errors.New("disk full")}, r: ok(), status: 503, text: "temporarily unavailable, try again", reason: "store", header: map[string]string{"Retry-After": "5"}},
		"over a limit":    {fake: &fake{accept: func(context.Context, []*conversation.Inbound) error { return writer.ErrBusy }}, r: ok(), status: 429, text: "over a limit, try again later", reason: "limit", header: map[string]string{"Retry-After": "10"}},
		"message too big": {fake: &fake{accept: func(context.Context, []*conversation.Inbound) error { return writer.ErrTooLarge }}, r: ok(), status: 413, text: "the message is too large", reason: "size"},
		"not stored":      {fake: &fake{accept: func(context.Context, []*conversation.Inbound) error { return writer.ErrUnavailable }}, r: ok(), status: 503, text: "temporarily unavailable, try again", reason: "store", header: map[string]string{"Retry-After": "5"}},
		"stopping":        {fake: &fake{accept: func(context.Context, []*conversation.Inbound) error { return writer.ErrStopping }}, r: ok(), status: 503, text: "temporarily unavailable, try again", reason: "store", header: map[string]string{"Retry-After": "5"}},
		"adapter is away": {fake: &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
			return nil, fmt.Errorf("receive: %w", adapter.ErrNotReady)
		}}, r: ok(), status: 503, text: "temporarily unavailable, try again", reason: "adapter_away", header: map[string]string{"Retry-After": "1"}},
		"adapter died": {fake: &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
			return nil, &adapter.DiedError{Name: "bot"}
		}}, r: ok(), status: 503, text: "temporarily unavailable, try again", reason: "adapter", header: map[string]string{"Retry-After": "2"}},
		"invalid":           {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "invalid", Field: "user.id", Text: `must not be "x"`})}, r: ok(), status: 400, text: `user.id: must not be "x"`, reason: "invalid"},
		"unauthorized":      {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "unauthorized", Text: "token abc is wrong"})}, r: ok(), status: 401, text: "unauthorized", reason: "unauthorized", header: map[string]string{"WWW-Authenticate": "Bearer"}},
		"status of its own": {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "invalid", Status: 422, Text: "no"})}, r: ok(), status: 422, text: "Unprocessable Entity", reason: "invalid"},
		"throttled":         {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "throttled", After: durationpb.New(7 * time.Second)})}, r: ok(), status: 429, text: "Too Many Requests", reason: "throttled", header: map[string]string{"Retry-After": "7"}},
		"transient":         {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "transient"})}, r: ok(), status: 503, text: "Service Unavailable", reason: "transient", header: map[string]string{"Retry-After": "1"}},
		"permanent":         {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "permanent"})}, r: ok(), status: 500, text: "Internal Server Error", reason: "permanent"},
		"kind of its own":   {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "user 4711"})}, r: ok(), status: 500, text: "Internal Server Error", reason: "other"},
		"senseless status":  {fake: &fake{receive: adapterSays(&pluginpb.Error{Kind: "invalid", Status: 42})}, r: ok(), status: 500, text: "Internal Server Error", reason: "invalid"},
		"foreign channel":   {fake: &fake{receive: result(t, "desk", "m1")}, r: ok(), status: 500, text: "internal error", reason: "adapter"},
		"no envelope": {fake: &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
			return &pluginpb.ReceiveResult{Envelopes: [][]byte{[]byte("junk")}}, nil
		}}, r: ok(), status: 500, text: "internal error", reason: "adapter"},
	} {
		t.Run(name, func(t *testing.T) {
			f := tc.fake
			if f == nil {
				f = &fake{}
			}
			w := serve(f.handler(t), tc.r)
			var body struct {
				Code int    `json:"code"`
				Msg  string `json:"msg"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("body %q: %v", w.Body, err)
			}
			if w.Code != tc.status || body.Code != tc.status || body.Msg != tc.text {
				t.Errorf("answer %d %s, want %d %q in the vendor's shape", w.Code, w.Body, tc.status, tc.text)
			}
			for name, want := range map[string]string{"Retry-After": "", "Allow": "", "WWW-Authenticate": ""} {
				if v, ok := tc.header[name]; ok {
					want = v
				}
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			want := []string{"refused bot " + tc.reason, fmt.Sprint("answered bot ", tc.status)}
			if diff := cmp.Diff(want, f.counted); diff != "" {
				t.Errorf("counted differ:\n%s", diff)
			}
		})
	}
}

func TestForeignEnvelopesAreNotStored(t *testing.T) {
	f := &fake{receive: result(t, "desk", "m1")}
	serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if len(f.accepted) != 0 {
		t.Errorf("stored %v of a channel that does not receive on this path", f.accepted)
	}
}

func TestAdaptersOwnBody(t *testing.T) {
	f := &fake{receive: adapterSays(&pluginpb.Error{Kind: "invalid", Body: []byte(`{"errorCode":"100"}`)})}
	w := serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if w.Code != 400 || w.Body.String() != `{"errorCode":"100"}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
}

func TestSenselessAnswerStatus(t *testing.T) {
	f := &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		return &pluginpb.ReceiveResult{Answer: &pluginpb.HttpAnswer{Status: 20000}}, nil
	}}
	if w := serve(f.handler(t), request("POST", "/x/hooks/7", "{}")); w.Code != 200 {
		t.Errorf("answer %d, want 200: the envelopes are stored", w.Code)
	}
}

func TestTemplates(t *testing.T) {
	const text = "say \"no\"\\\n<b>{{status}}</b>"
	for name, tc := range map[string]struct {
		r    Refusal
		want string
	}{
		"json":    {Refusal{"application/problem+json", `{"s":{{status}},"t":"{{text}}"}`}, ""},
		"default": {Refusal{}, ""},
		"plain":   {Refusal{"text/plain", "{{status}} {{text}}"}, "418 " + text},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.r.fill(418, text)
			if tc.want != "" {
				if string(got) != tc.want {
					t.Errorf("filled %q, want %q", got, tc.want)
				}
				return
			}
			var v map[string]any
			if err := json.Unmarshal(got, &v); err != nil {
				t.Fatalf("%q is no JSON: %v", got, err)
			}
			if inner, ok := v["error"].(map[string]any); ok {
				v = map[string]any{"s": inner["status"], "t": inner["message"]}
			}
			if v["s"] != 418.0 || v["t"] != text {
				t.Errorf("filled %v, want 418 and %q", v, text)
			}
		})
	}
}

func TestOverload(t *testing.T) {
	f := &fake{}
	entered, release := make(chan struct{}, 2), make(chan struct{})
	f.receive = func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		entered <- struct{}{}
		<-release
		return &pluginpb.ReceiveResult{}, nil
	}
	h := f.handler(t)
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() { serve(h, request("POST", "/x/hooks/7", "{}")) })
		<-entered
	}
	w := serve(h, request("POST", "/x/hooks/7", "{}"))
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"code":503`) {
		t.Errorf("answer %d %q, want 503 in the vendor's shape", w.Code, w.Body)
	}
	close(release)
	running.Wait()
	f.receive = nil
	if w := serve(h, request("POST", "/x/hooks/7", "{}")); w.Code != 200 {
		t.Errorf("answer %d after the rush, want 200", w.Code)
	}
}

func TestPaths(t *testing.T) {
	f, other := &fake{}, &fake{}
	shared := f.endpoint()
	shared.Channels, shared.MaxBody = []string{"faq2"}, 64
	native := Endpoint{Adapter: "native", Receiver: other, Channels: []string{"web"}, Pattern: "/v1/messages", Refusal: Refusal{"text/plain", "native {{status}}"}}
	h := f.handler(t, f.endpoint(), shared, native)
	if w := serve(h, request("POST", "/x/hooks/7", strings.Repeat("x", 40))); w.Code != 200 {
		t.Errorf("answer %d, want 200: the larger limit holds for both channels", w.Code)
	}
	if diff := cmp.Diff([]string{"faq", "faq2"}, f.calls[0].GetChannels()); diff != "" {
		t.Errorf("channels differ:\n%s", diff)
	}
	if w := serve(h, request("DELETE", "/v1/messages", "")); w.Code != 200 || len(other.calls) != 1 {
		t.Errorf("answer %d: an endpoint without methods and types takes any", w.Code)
	}
	for path, want := range map[string]string{
		"/v1/other":     "native 404",
		"/x/hooks/7/8":  `{"code":404,"msg":"no channel receives on this path"}`,
		"/":             `{"error":{"status":404,"message":"no channel receives on this path"}}`,
		"/unknown/path": `{"error":{"status":404,"message":"no channel receives on this path"}}`,
	} {
		if w := serve(h, request("POST", path, "{}")); w.Code != 404 || w.Body.String() != want {
			t.Errorf("%s: %d %q, want 404 %q", path, w.Code, w.Body, want)
		}
	}
}

func TestPathsThatConflict(t *testing.T) {
	f := &fake{}
	for name, second := range map[string]Endpoint{
		"the same":     {Adapter: "native", Receiver: f, Prefix: "/x/hooks", Pattern: "/{id}"},
		"as wide":      {Adapter: "native", Receiver: f, Pattern: "/x/{folder}/7"},
		"not a path":   {Adapter: "native", Receiver: f, Pattern: "/x/{"},
		"another name": {Adapter: "native", Receiver: f, Pattern: "/x/hooks/{name}"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Endpoints: []Endpoint{f.endpoint(), second}, Writer: f, Observer: f, Logger: slog.New(slog.DiscardHandler)})
			if err == nil {
				t.Fatal("New = nil, want an error")
			}
		})
	}
}

func TestLogHoldsNoMessage(t *testing.T) {
	var out bytes.Buffer
	f := &fake{receive: adapterSays(&pluginpb.Error{Kind: "unauthorized", Text: "signature is wrong"})}
	h, err := New(Options{Endpoints: []Endpoint{f.endpoint()}, Writer: f, Observer: f, Logger: slog.New(slog.NewJSONHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	r := request("POST", "/x/hooks/7?token=s3cret", `"my words"`)
	r.Header.Set("Authorization", "Bearer s3cret")
	serve(h, r)
	if got := out.String(); strings.Contains(got, "s3cret") || strings.Contains(got, "my words") || !strings.Contains(got, "signature is wrong") {
		t.Errorf("log %s: want the reason, and neither secrets nor words", got)
	}
}
