package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAdaptersAreListedAndRestarted(t *testing.T) {
	a := newTestAPI(t)
	for _, name := range []string{"native", "bot"} {
		a.addAdapter(name)
	}
	call := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		a.admin.Handler().ServeHTTP(w, httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(`{"user":"ann"}`)))
		return w
	}
	var answer struct{ Adapters []Adapter }
	if w := call("GET", "/api/adapters"); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &answer) != nil {
		t.Fatalf("response %d %s", w.Code, w.Body)
	}
	if len(answer.Adapters) != 2 || answer.Adapters[0].Name != "bot" || answer.Adapters[1].Name != "native" {
		t.Fatalf("adapters %+v, want bot and native", answer.Adapters)
	}
	if native := answer.Adapters[1]; native.State != "stopped" || native.Since.IsZero() {
		t.Errorf("adapter %+v, want stopped", native)
	}
	if w := call("POST", "/api/adapters/bot/restart"); w.Code != http.StatusOK {
		t.Errorf("response %d %s to a restart", w.Code, w.Body)
	}
	w := call("POST", "/api/adapters/bto/restart")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `no adapter \"bto\"`) {
		t.Errorf("response %d %s to a restart of an unknown adapter", w.Code, w.Body)
	}
	if w := call("GET", "/api/adapters/bot/restart"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("response %d to a restart by GET", w.Code)
	}
}
