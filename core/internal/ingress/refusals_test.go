package ingress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/writer"
	"patchbay/sdk/protocol/pluginpb"
)

// refusalCase is a request that must be refused because of its form, of the adapter or of the writer.
type refusalCase struct {
	fake       *fake         // nil accepts everything
	request    *http.Request // nil is a valid request
	status     int
	text       string
	reason     string
	header     string // the expected header: one of Retry-After, Allow and WWW-Authenticate
	headerText string
}

// check serves the request and compares the response and the counters.
func (tc *refusalCase) check(t *testing.T) {
	f, r := tc.fake, tc.request
	if f == nil {
		f = &fake{}
	}
	if r == nil {
		r = request("POST", "/x/hooks/7", "{}")
	}
	w := serve(f.handler(t), r)
	var body struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if w.Code != tc.status || body.Code != tc.status || body.Msg != tc.text {
		t.Errorf("response %d %s, want %d %q in the vendor's format", w.Code, w.Body, tc.status, tc.text)
	}
	for _, name := range []string{"Retry-After", "Allow", "WWW-Authenticate"} {
		want := ""
		if name == tc.header {
			want = tc.headerText
		}
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	want := []string{"refused bot " + tc.reason, fmt.Sprint("answered bot ", tc.status)}
	if diff := cmp.Diff(want, f.observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func checkRefusals(t *testing.T, cases map[string]refusalCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, tc.check)
	}
}

func TestRequestsAreRefusedByTheirForm(t *testing.T) {
	withHeader := func(name, value string) *http.Request {
		r := request("POST", "/x/hooks/7", "{}")
		r.Header.Set(name, value)
		return r
	}
	chunked := request("POST", "/x/hooks/7", "")
	chunked.Body, chunked.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 17))), -1
	checkRefusals(t, map[string]refusalCase{
		"method": {
			request: request("GET", "/x/hooks/7", ""), status: 405, text: "method not allowed: use POST or PUT", reason: "method",
			header: "Allow", headerText: "POST, PUT",
		},
		"media type": {
			request: withHeader("Content-Type", "text/html"), status: 415,
			text: "unsupported content type: use application/json", reason: "media_type",
		},
		"no media type": {
			request: withHeader("Content-Type", ""), status: 415,
			text: "unsupported content type: use application/json", reason: "media_type",
		},
		"encoding": {
			request: withHeader("Content-Encoding", "gzip"), status: 415,
			text: "unsupported content encoding: send the body without encoding", reason: "encoding",
		},
		"announced size": {
			request: request("POST", "/x/hooks/7", strings.Repeat("x", 17)), status: 413,
			text: "body too large: at most 16 bytes", reason: "size",
		},
		"actual size": {request: chunked, status: 413, text: "body too large: at most 16 bytes", reason: "size"},
		"path": {
			request: request("POST", "/x/hooks/7/more", "{}"), status: 404,
			text: "no channel receives on this path", reason: "path",
		},
	})
}

func TestUnusualContentTypesAreAccepted(t *testing.T) {
	for _, contentType := range []string{
		"application/json;charset", "application/json; charset=", "application/json;  charset=utf-8", "Application/JSON ;",
		" application/json", "application/json; charset=utf-8; charset=utf-8",
	} {
		r := request("POST", "/x/hooks/7", "{}")
		r.Header.Set("Content-Type", contentType)
		if w := serve((&fake{}).handler(t), r); w.Code != 200 {
			t.Errorf("Content-Type %q: status %d, want 200", contentType, w.Code)
		}
	}
}

func TestRequestsAreRefusedIfStoringFails(t *testing.T) {
	failing := func(err error) *fake {
		return &fake{accept: func(context.Context, []*inbound.Envelope) error { return err }}
	}
	const unavailable = "temporarily unavailable, try again"
	checkRefusals(t, map[string]refusalCase{
		"store is full": {
			fake: &fake{writable: errors.New("disk full")}, status: 503, text: unavailable, reason: "store",
			header: "Retry-After", headerText: "5",
		},
		"the receiver's channel cannot keep up": {
			fake: failing(fmt.Errorf("channel faq: %w", writer.ErrOverloaded)), status: 429,
			text: "too many messages wait, try again", reason: "overload", header: "Retry-After", headerText: "1",
		},
		"over a limit": {
			fake: failing(writer.ErrBusy), status: 429, text: "over a limit, try again later", reason: "limit",
			header: "Retry-After", headerText: "10",
		},
		"message too large": {
			fake: failing(writer.ErrTooLarge), status: 413, text: "the message is too large", reason: "size",
		},
		"not stored": {
			fake: failing(writer.ErrUnavailable), status: 503, text: unavailable, reason: "store",
			header: "Retry-After", headerText: "5",
		},
		"stopping": {
			fake: failing(writer.ErrStopping), status: 503, text: unavailable, reason: "stopping",
			header: "Retry-After", headerText: "5",
		},
		"draining": {
			fake: &fake{writable: writer.ErrDraining}, status: 503, text: unavailable, reason: "drain",
			header: "Retry-After", headerText: "5",
		},
	})
}

func TestRequestsAreRefusedIfTheAdapterFails(t *testing.T) {
	const unavailable = "temporarily unavailable, try again"
	checkRefusals(t, map[string]refusalCase{
		"not ready": {
			fake: &fake{receive: failsWith(fmt.Errorf("receive: %w", plugin.ErrNotReady))}, status: 503, text: unavailable,
			reason: "adapter_not_ready", header: "Retry-After", headerText: "1",
		},
		"died": {
			fake: &fake{receive: failsWith(&plugin.BrokeError{Name: "bot"})}, status: 503, text: unavailable, reason: "adapter",
			header: "Retry-After", headerText: "2",
		},
		"envelope of another channel": {
			fake: &fake{receive: receives(t, "desk", "m1")}, status: 500, text: "internal error", reason: "adapter",
		},
		"malformed envelope": {
			fake: &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
				return &pluginpb.ReceiveResult{Envelopes: [][]byte{[]byte("junk")}}, nil
			}}, status: 500, text: "internal error", reason: "adapter",
		},
	})
}

func TestAdapterRefusesByKindOfError(t *testing.T) {
	by := func(e *pluginpb.Error) *fake { return &fake{receive: refuses(e)} }
	checkRefusals(t, map[string]refusalCase{
		"invalid": {
			fake: by(&pluginpb.Error{Kind: "invalid", Field: "user.id", Text: `must not be "x"`}), status: 400,
			text: `user.id: must not be "x"`, reason: "invalid",
		},
		"unauthorized": {
			fake: by(&pluginpb.Error{Kind: "unauthorized", Text: "token abc is wrong"}), status: 401, text: "unauthorized",
			reason: "unauthorized", header: "WWW-Authenticate", headerText: "Bearer",
		},
		"the adapter's status": {
			fake: by(&pluginpb.Error{Kind: "invalid", Status: 422, Text: "no"}), status: 422, text: "Unprocessable Entity",
			reason: "invalid",
		},
		"throttled": {
			fake: by(&pluginpb.Error{Kind: "throttled", After: durationpb.New(7 * time.Second)}), status: 429,
			text: "Too Many Requests", reason: "throttled", header: "Retry-After", headerText: "7",
		},
		"transient": {
			fake: by(&pluginpb.Error{Kind: "transient"}), status: 503, text: "Service Unavailable", reason: "transient",
			header: "Retry-After", headerText: "1",
		},
		"unsupported": {
			fake: by(&pluginpb.Error{Kind: "unsupported"}), status: 415, text: "Unsupported Media Type", reason: "unsupported",
		},
		"permanent": {
			fake: by(&pluginpb.Error{Kind: "permanent"}), status: 500, text: "Internal Server Error", reason: "permanent",
		},
		"invented kind": {
			fake: by(&pluginpb.Error{Kind: "user 4711"}), status: 500, text: "Internal Server Error", reason: "other",
		},
		"invalid status": {
			fake: by(&pluginpb.Error{Kind: "invalid", Status: 42}), status: 500, text: "Internal Server Error", reason: "invalid",
		},
	})
}
