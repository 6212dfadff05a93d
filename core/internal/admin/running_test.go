package admin

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"patchbay/core/internal/config"
	"patchbay/core/internal/trail"
)

// A request must not fail if a reload happens between two reads of the configuration.
func TestReloadDuringARequest(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	full, empty := a.running, &Running{Config: &config.Config{}}
	for first := range int64(2) {
		var calls atomic.Int64
		a.admin.Running = func() *Running {
			if calls.Add(1)%2 == first {
				return empty
			}
			return full
		}
		for _, path := range []string{"/metrics", "/readyz?verbose", "/api/channels", "/api/conversations"} {
			r, w := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil), httptest.NewRecorder()
			a.admin.Handler().ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("GET %s: %d %s, want 200", path, w.Code, w.Body)
			}
		}
		for range 2 {
			a.admin.pendingReason(&trail.PendingDelivery{Channel: "faq"})
		}
	}
}
