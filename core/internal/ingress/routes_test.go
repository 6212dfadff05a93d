package ingress

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/protocol/pluginpb"
)

func TestEndpointsOfOneAdapterAreMerged(t *testing.T) {
	f := &fake{}
	second := f.endpoint()
	second.Channels, second.MaxBody = []string{"faq2"}, 64
	h := f.handler(t, f.endpoint(), second)
	if w := serve(h, request("POST", "/x/hooks/7", strings.Repeat("x", 40))); w.Code != 200 {
		t.Errorf("status %d, want 200: the larger body limit applies to both channels", w.Code)
	}
	if diff := cmp.Diff([]string{"faq", "faq2"}, f.calls[0].GetChannels()); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

func TestUnknownPathsAreRefusedInTheNearestAdaptersForm(t *testing.T) {
	f, native := &fake{}, &fake{}
	h := f.handler(t, f.endpoint(), Endpoint{
		Adapter: "native", Receiver: native, Channels: []string{"web"}, Pattern: "/v1/messages",
		Refusal: RefusalTemplate{"text/plain", "native {{status}}"},
	})
	if w := serve(h, request("DELETE", "/v1/messages", "")); w.Code != 200 || len(native.calls) != 1 {
		t.Errorf("status %d: an endpoint without methods and content types must accept any", w.Code)
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

func TestUnknownPathIsTemporaryWhileAnAdapterIsMissing(t *testing.T) {
	f := &fake{}
	o := f.options(f.endpoint())
	o.Incomplete = true
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if w := serve(h, request("POST", "/unknown", "{}")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d with headers %v, want 503 with Retry-After", w.Code, w.Header())
	}
}

func TestConflictingPathsFail(t *testing.T) {
	f := &fake{}
	for name, second := range map[string]Endpoint{
		"same path":        {Adapter: "native", Receiver: f, Prefix: "/x/hooks", Pattern: "/{id}"},
		"overlapping path": {Adapter: "native", Receiver: f, Pattern: "/x/{folder}/7"},
		"malformed path":   {Adapter: "native", Receiver: f, Pattern: "/x/{"},
		"other wildcard":   {Adapter: "native", Receiver: f, Pattern: "/x/hooks/{name}"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(f.options(f.endpoint(), second)); err == nil {
				t.Fatal("New = nil, want an error")
			}
		})
	}
}

func TestUncleanPathsAreRefusedAndNotRedirected(t *testing.T) {
	f := &fake{}
	h := f.handler(t)
	for _, path := range []string{
		"/x/hooks//a", "/x/./hooks/a", "/x/../x/hooks/a", "/x/hooks", "/x/hooks/", "/x/hooks/..", "/x/hooks/a//",
		"/x/hooks//", "/x//", "//x", "/x/hooks/a/b/",
	} {
		r := request(http.MethodPost, "/", "{}")
		r.URL.Path = path
		w := serve(h, r)
		if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), `{"code":404,`) {
			t.Errorf("%s: %d %s, want 404 in the vendor's format", path, w.Code, w.Body)
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("the adapter was called: %v", f.calls)
	}
}

func TestHarmlessSlashesAreAccepted(t *testing.T) {
	f := &fake{}
	h := f.handler(t)
	for _, path := range []string{"//x/hooks/a", "///x/hooks/a", "/x/hooks/a/", "/x//hooks/a", "//x//hooks/a/"} {
		r := request(http.MethodPost, "/", "{}")
		r.URL.Path = path
		if w := serve(h, r); w.Code != http.StatusOK {
			t.Errorf("%s: status %d, want 200", path, w.Code)
			continue
		}
		got := f.calls[len(f.calls)-1]
		if got.GetPath() != "/hooks/a" || got.GetFullPath() != path {
			t.Errorf("%s: path %q, full path %q; want the clean path and the one that was sent", path, got.GetPath(),
				got.GetFullPath())
		}
	}
}

func TestSlashesOfAPatternAreKept(t *testing.T) {
	f := &fake{}
	h := f.handler(t, Endpoint{Adapter: "native", Receiver: f, Channels: []string{"web"}, Pattern: "/hooks/"})
	for path, want := range map[string]string{"/hooks/": "/hooks/", "/hooks": "/hooks", "/hooks/a/": "/hooks/a/"} {
		if w := serve(h, request("POST", path, "{}")); w.Code != 200 {
			t.Errorf("%s: status %d, want 200", path, w.Code)
		} else if got := f.calls[len(f.calls)-1].GetPath(); got != want {
			t.Errorf("%s: path %q, want %q", path, got, want)
		}
	}
}

func TestRefusalNamesTheNearestAdapter(t *testing.T) {
	f := &fake{}
	h := f.handler(t, Endpoint{Adapter: "native", Receiver: f, Pattern: "/hooks", Refusal: RefusalTemplate{Body: "n"}},
		Endpoint{Adapter: "bot", Receiver: f, Pattern: "/v1/bot/{id}", Refusal: RefusalTemplate{Body: "b"}},
		Endpoint{Adapter: "desk", Receiver: f, Pattern: "/v1/desk/{id}", Refusal: RefusalTemplate{Body: "d"}})
	for path, want := range map[string]string{
		"/hooks/a": "native", "/v1/bot/a/b": "bot", "/v1/desk": "desk", "/v1/other": "", "/v1/bot/../desk/a": "bot",
	} {
		f.observed = nil
		r := request(http.MethodPost, "/", "{}")
		r.URL.Path = path
		serve(h, r)
		if diff := cmp.Diff([]string{"refused " + want + " path", "answered " + want + " 404"}, f.observed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestEscapedPrefixIsRemoved(t *testing.T) {
	f := &fake{receive: receives(t, "faq", "1")}
	if w := serve(f.handler(t), request(http.MethodPost, "/%78/hooks/a%2Fb", "{}")); w.Code != http.StatusAccepted {
		t.Fatalf("status %d", w.Code)
	}
	if got := f.calls[0]; got.GetPath() != "/hooks/a/b" || got.GetFullPath() != "/%78/hooks/a%2Fb" {
		t.Errorf("path %q, full path %q", got.GetPath(), got.GetFullPath())
	}
}

func TestRequestsEndUnderTheirTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		former, next := &fake{}, &fake{}
		release := make(chan struct{})
		former.receive = func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
			<-release
			return &pluginpb.ReceiveResult{Response: &pluginpb.HttpResponse{Status: 202}}, nil
		}
		h := former.handler(t)
		done := make(chan int, 1)
		go func() { done <- serve(h, request("POST", "/x/hooks/1", "{}")).Code }()
		synctest.Wait()
		ep := next.endpoint()
		ep.Prefix = "/y"
		table, err := h.Table([]Endpoint{ep}, true)
		if err != nil {
			t.Fatal(err)
		}
		old := h.Use(table)
		waited := make(chan struct{})
		go func() { old.Wait(); close(waited) }()
		if w := serve(h, request("POST", "/y/hooks/1", "{}")); w.Code != 200 || len(next.calls) != 1 {
			t.Errorf("request on the new path: status %d, %d calls", w.Code, len(next.calls))
		}
		if w := serve(h, request("POST", "/x/hooks/1", "{}")); w.Code != 503 || len(former.calls) != 1 {
			t.Errorf("request on the former path: status %d", w.Code)
		}
		synctest.Wait()
		select {
		case <-waited:
			t.Error("Wait returned during a request")
		default:
		}
		close(release)
		if code := <-done; code != 202 {
			t.Errorf("status %d of a request that began under the former table", code)
		}
		<-waited
	})
}

func TestWaitIncludesTheRequestsOfEarlierTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := &fake{}, make(chan struct{})
		f.receive = func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
			<-release
			return &pluginpb.ReceiveResult{Response: &pluginpb.HttpResponse{Status: 202}}, nil
		}
		h := f.handler(t)
		go serve(h, request("POST", "/x/hooks/1", "{}"))
		synctest.Wait()
		use := func() (former *Table) {
			table, err := h.Table([]Endpoint{f.endpoint()}, false)
			if err != nil {
				t.Fatal(err)
			}
			return h.Use(table)
		}
		use()
		second := use()
		waited := make(chan struct{})
		go func() { second.Wait(); close(waited) }()
		synctest.Wait()
		select {
		case <-waited:
			t.Error("Wait returned during a request of the first table")
		default:
		}
		close(release)
		<-waited
	})
}
