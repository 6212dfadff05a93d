package admin

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
)

func TestCallsAndPausesAreMetrics(t *testing.T) {
	a := newTestAPI(t)
	a.lanes = attempt.ChannelState{Breaker: "closed", Pause: 90 * time.Second, InFlight: 2}
	r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	for _, want := range []string{
		`patchbay_delivery_calls_in_flight{channel="faq"} 2`, `patchbay_delivery_calls_limit{channel="faq"} 2`,
		`patchbay_delivery_pause_seconds{channel="faq"} 90`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want+"\n") {
			t.Errorf("metrics do not contain %q", want)
		}
	}
}
