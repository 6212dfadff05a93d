package ingress

import (
	"net/http"
	"testing"
)

func TestUncleanPathsAreRefusedNotRedirected(t *testing.T) {
	f := &fake{}
	h := f.handler(t)
	for _, path := range []string{"//x/hooks/a", "/x//hooks/a", "/x/./hooks/a", "/x/../x/hooks/a", "/x/hooks", "/x/hooks/", "/x/hooks/.."} {
		r := request(http.MethodPost, "/", "{}")
		r.URL.Path = path
		if w := serve(h, r); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("the adapter was called for %v", f.calls)
	}
}

func TestEscapedPrefixIsStripped(t *testing.T) {
	f := &fake{receive: result(t, "faq", "1")}
	if w := serve(f.handler(t), request(http.MethodPost, "/%78/hooks/a%2Fb", "{}")); w.Code != http.StatusAccepted {
		t.Fatalf("status %d", w.Code)
	}
	if got := f.calls[0]; got.GetPath() != "/hooks/a/b" || got.GetFullPath() != "/%78/hooks/a%2Fb" {
		t.Errorf("path %q, full path %q", got.GetPath(), got.GetFullPath())
	}
}
