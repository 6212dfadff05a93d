package ingress

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/protocol/pluginpb"
)

func TestRefusalHasTheAdaptersBody(t *testing.T) {
	f := &fake{receive: refuses(&pluginpb.Error{Kind: "invalid", Body: []byte(`{"errorCode":"100"}`)})}
	w := serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if w.Code != 400 || w.Body.String() != `{"errorCode":"100"}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("response %d %q", w.Code, w.Body)
	}
}

func TestInvalidResponseStatusBecomes200(t *testing.T) {
	f := &fake{receive: func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		return &pluginpb.ReceiveResult{Response: &pluginpb.HttpResponse{Status: 20000}}, nil
	}}
	if w := serve(f.handler(t), request("POST", "/x/hooks/7", "{}")); w.Code != 200 {
		t.Errorf("response %d, want 200 because the envelopes are stored", w.Code)
	}
}

func TestRefusalTemplateIsFilled(t *testing.T) {
	const text = "say \"no\"\\\n<b>{{status}}</b>"
	for name, tc := range map[string]struct {
		template RefusalTemplate
		want     any // decoded, or the body itself if it is no JSON
	}{
		"json": {
			RefusalTemplate{"application/problem+json", `{"s":{{status}},"t":"{{text}}"}`},
			map[string]any{"s": 418.0, "t": text},
		},
		"default": {RefusalTemplate{}, map[string]any{"error": map[string]any{"status": 418.0, "message": text}}},
		"plain":   {RefusalTemplate{"text/plain", "{{status}} {{text}}"}, "418 " + text},
	} {
		t.Run(name, func(t *testing.T) {
			body := tc.template.fill(418, text)
			var got any = string(body)
			if _, plain := tc.want.(string); !plain {
				if err := json.Unmarshal(body, &got); err != nil {
					t.Fatalf("%q is no JSON: %v", body, err)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReservedAndMalformedHeadersAreDropped(t *testing.T) {
	f := &fake{}
	h, log := loggedHandler(t, f)
	res := &pluginpb.ReceiveResult{Response: &pluginpb.HttpResponse{
		Status: 202, Body: []byte("thanks"), ContentType: "text/plain\r\nX-Split: 1",
	}}
	for _, header := range [][2]string{
		{"content-length", "1"}, {"Transfer-Encoding", "chunked"}, {"connection", "close"}, {"Upgrade", "h2c"},
		{"Set-Cookie", "a=b"}, {"Bad Name", "x"}, {"X-Split", "a\r\nb: c"}, {"", "x"}, {"x-vendor", "kept"},
		{"Retry-After", "7"},
	} {
		res.Response.Header = append(res.Response.Header, &pluginpb.Header{Name: header[0], Value: header[1]})
	}
	f.receive = func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) { return res, nil }
	for range 2 {
		w := serve(h, request("POST", "/x/hooks/7", "{}"))
		if w.Code != 202 || w.Body.String() != "thanks" {
			t.Errorf("response %d %q, want the adapter's", w.Code, w.Body)
		}
		if diff := cmp.Diff(http.Header{"X-Vendor": {"kept"}, "Retry-After": {"7"}}, w.Header()); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
	}
	logged := map[string]int{}
	for _, l := range logLines(t, log) {
		if l["msg"] != "header dropped from the adapter's responses" {
			t.Errorf("unexpected line %v", l)
		}
		logged[l["header"].(string)]++
	}
	want := map[string]int{ // the first malformed one stands for all
		"content-length": 1, "Transfer-Encoding": 1, "connection": 1, "Upgrade": 1, "Set-Cookie": 1, "Bad Name": 1,
	}
	if diff := cmp.Diff(want, logged); diff != "" {
		t.Errorf("logged headers (-want +got):\n%s", diff)
	}
}
