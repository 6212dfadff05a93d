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
	a.lanes = attempt.ChannelState{Breaker: "closed", Pause: 90 * time.Second, Paused: true, InFlight: 2}
	r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	for _, want := range []string{
		`patchbay_delivery_calls_in_flight{channel="faq"} 2`, `patchbay_delivery_calls_limit{channel="faq"} 2`,
		`patchbay_delivery_pause_seconds{channel="faq"} 90`, `patchbay_channel_paused{channel="faq"} 1`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want+"\n") {
			t.Errorf("metrics do not contain %q", want)
		}
	}
}

func TestWaitingCustomersAreMetricsOfTheChannelThatTheyWaitFor(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	a.say("web", "w2", "m2", "hello")
	a.say("web", "w3", "m3", "help") // offered to the desk
	r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	for _, want := range []string{
		`patchbay_customers_waiting{channel="faq",role="bot"} 2`, `patchbay_customers_waiting{channel="desk",role="agent"} 1`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want+"\n") {
			t.Errorf("metrics do not contain %q", want)
		}
	}
	if strings.Contains(w.Body.String(), `patchbay_customers_waiting{channel="web"`) {
		t.Error("customers wait for the customers' channel")
	}
}
