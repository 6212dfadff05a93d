package admin

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"patchbay/core/internal/plugin"
)

func TestAdapters(t *testing.T) {
	o := openOffice(t)
	for _, name := range []string{"native", "bot"} {
		o.admin.Hosts[name] = plugin.New(plugin.Options{Name: name, Command: "/nowhere", Logger: slog.New(slog.DiscardHandler)})
	}
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		o.admin.Handler().ServeHTTP(w, httptest.NewRequest(method, "http://127.0.0.1"+path, nil))
		return w
	}
	var answer struct{ Adapters []Adapter }
	if w := ask("GET", "/api/adapters"); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &answer) != nil {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
	if len(answer.Adapters) != 2 || answer.Adapters[0].Name != "bot" || answer.Adapters[1].State != "stopped" || answer.Adapters[1].Since.IsZero() {
		t.Errorf("adapters %+v, want bot and native, stopped", answer.Adapters)
	}
	if w := ask("POST", "/api/adapters/bot/restart"); w.Code != http.StatusOK {
		t.Errorf("answer %d %s to a restart", w.Code, w.Body)
	}
	if w := ask("POST", "/api/adapters/bto/restart"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `no adapter \"bto\"`) {
		t.Errorf("answer %d %s to a restart of an adapter that is not there", w.Code, w.Body)
	}
	if w := ask("GET", "/api/adapters/bot/restart"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("answer %d to a restart by GET", w.Code)
	}
}
