package ingress

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/inbound"
)

func TestEnvelopesAreStoredInOrderAndTheAdapterResponds(t *testing.T) {
	f := &fake{receive: receives(t, "faq", "m1", "m2")}
	w := serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if w.Code != 202 || w.Body.String() != "thanks" {
		t.Errorf("response %d %q, want the adapter's", w.Code, w.Body)
	}
	if w.Header().Get("Content-Type") != "text/plain" || w.Header().Get("X-Vendor") != "yes" {
		t.Errorf("header %v, want the adapter's", w.Header())
	}
	if diff := cmp.Diff([]string{"faq m1", "faq m2"}, f.accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"received faq", "received faq", "answered bot 202"}, f.observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestNextCallFollowsTheCommit(t *testing.T) {
	f := &fake{receive: receives(t, "faq", "m1")}
	f.accept = func(context.Context, []*inbound.Envelope) error {
		if f.done.Load() != 0 {
			t.Error("the next call may return before this one is stored")
		}
		return nil
	}
	serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if n := f.done.Load(); n != 1 {
		t.Errorf("done was called %d times", n)
	}
}

func TestResponseFollowsTheCommit(t *testing.T) {
	f := &fake{receive: receives(t, "faq", "m1")}
	entered, release := make(chan struct{}), make(chan struct{})
	f.accept = func(context.Context, []*inbound.Envelope) error { close(entered); <-release; return nil }
	srv := httptest.NewServer(f.handler(t))
	defer srv.Close()
	type answer struct {
		status int
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		resp, err := srv.Client().Post(srv.URL+"/x/hooks/7", "application/json", strings.NewReader("{}"))
		if err != nil {
			answered <- answer{0, err}
			return
		}
		_ = resp.Body.Close()
		answered <- answer{resp.StatusCode, nil}
	}()
	<-entered
	select {
	case a := <-answered:
		t.Fatalf("answered %+v before Accept returned", a)
	default:
	}
	close(release)
	if a := <-answered; a.err != nil || a.status != 202 {
		t.Errorf("response %+v, want 202", a)
	}
}

func TestAdapterGetsTheWholeRequest(t *testing.T) {
	f := &fake{}
	r := request("POST", "/x/hooks/a%2Fb?q=1&q=%20", `{"a":1}`)
	r.Header.Add("X-Signature", "one")
	r.Header.Add("X-Signature", "two")
	r.Header.Set("Authorization", "Basic   dTpw")
	r.Host, r.RemoteAddr = "gateway.example", "192.0.2.7:1234"
	if w := serve(f.handler(t), r); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("response %d %q, want an empty 200 because the adapter returned no answer", w.Code, w.Body)
	}
	c := f.calls[0]
	if c.GetPath() != "/hooks/a%2Fb" || c.GetFullPath() != "/x/hooks/a%2Fb" || c.GetQuery() != "q=1&q=%20" {
		t.Errorf("path %q, full path %q, query %q", c.GetPath(), c.GetFullPath(), c.GetQuery())
	}
	if c.GetMethod() != "POST" || c.GetHost() != "gateway.example" || c.GetRemote() != "192.0.2.7:1234" {
		t.Errorf("method %s, host %s, remote address %s", c.GetMethod(), c.GetHost(), c.GetRemote())
	}
	if string(c.GetBody()) != `{"a":1}` {
		t.Errorf("body %q", c.GetBody())
	}
	var signatures []string
	for _, h := range c.GetHeader() {
		if h.GetName() == "Authorization" && h.GetValue() != "Basic dTpw" {
			t.Errorf("Authorization %q, want one space after the scheme", h.GetValue())
		}
		if h.GetName() == "X-Signature" {
			signatures = append(signatures, h.GetValue())
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, signatures); diff != "" {
		t.Errorf("X-Signature (-want +got):\n%s", diff)
	}
}

// HTTP allows bytes that are not UTF-8. Protobuf does not allow them in strings: they would end the stream of all
// calls.
func TestAdapterGetsValidUTF8(t *testing.T) {
	f := &fake{}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(
		"POST http://\xff.example/x/hooks/J\xf6rg?name=J\xf6rg HTTP/1.1\r\n" +
			"Host: gateway.example\r\nContent-Type: application/json\r\nX-Name: J\xf6rg\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	serve(f.handler(t), r)
	c := f.calls[0]
	if _, err := proto.Marshal(c); err != nil || c.GetQuery() != "name=J\ufffdrg" || c.GetHost() != "\ufffd.example" ||
		c.GetPath() != "/hooks/J%F6rg" {
		t.Errorf("call %v: %v", c, err)
	}
}

func TestEnvelopesOfOtherChannelsAreNotStored(t *testing.T) {
	f := &fake{receive: receives(t, "desk", "m1")}
	serve(f.handler(t), request("POST", "/x/hooks/7", "{}"))
	if len(f.accepted) != 0 {
		t.Errorf("stored %v for a channel that does not receive on this path", f.accepted)
	}
}
