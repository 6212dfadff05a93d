package admin

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/store"
)

func TestReadyReportsRequiredAndOptionalChecks(t *testing.T) {
	full := store.Health{Reason: "the disk is full: make room"}
	gaps := store.Health{Writable: true, Missing: []store.Range{{First: 5, Last: 9}, {First: 12, Last: 12}}}
	for name, tc := range map[string]struct {
		prepare func(*testAPI)
		status  int
		want    []string
	}{
		"ready": {func(*testAPI) {}, 200, []string{"[+] listener", "[+] store: writable", "\nready\n"}},
		"starting": {func(a *testAPI) { a.admin.SetAccepting(false) }, 503,
			[]string{"[-] listener: starting or stopping", "not ready"}},
		"store is full": {func(a *testAPI) { a.log.SetHealth(&full) }, 503, []string{"[-] store", "make room", "not ready"}},
		"drain": {func(a *testAPI) { a.w.Drain() }, 503,
			[]string{"[+] store: writable", "[-] drain: an operator drains the gateway", "not ready"}},
		"records are missing": {func(a *testAPI) { a.log.SetHealth(&gaps) }, 200,
			[]string{"[+] records: degraded: 6 are missing from the log: 5 to 9, 12 to 12", "ready, degraded"}},
		"adapter down": {func(a *testAPI) { a.addAdapter("bot") }, 200,
			[]string{"[+] adapter bot: degraded: stopped", "ready, degraded"}},
		"channel unavailable": {func(a *testAPI) { a.running.Unavailable = map[string]string{"faq": "no program\nmore"} }, 200,
			[]string{"[+] channel faq: degraded: unavailable until a reload or a restart: no program\n", "ready, degraded"}},
		"vendor down": {func(a *testAPI) { a.lanes = attempt.ChannelState{Breaker: "open", Cause: "HTTP 502"} }, 200,
			[]string{"[+] channel faq: degraded: the channel's circuit breaker is open: HTTP 502", "ready, degraded"}},
		"cannot keep up": {func(a *testAPI) {
			a.running.Config.Limits.QueueAge = 5 * time.Second
			a.lanes = attempt.ChannelState{Full: 9 * time.Second, Waits: 6250 * time.Millisecond}
		}, 200, []string{"[+] channel faq: degraded: cannot keep up: all calls have been in use for 9s, and the first waiting " +
			"delivery has waited 6.3s for one\n", "ready, degraded"}},
		"calls are in use, but the first delivery has just begun to wait": {func(a *testAPI) {
			a.running.Config.Limits.QueueAge = 5 * time.Second
			a.lanes = attempt.ChannelState{Full: 9 * time.Second, Waits: 2500 * time.Millisecond}
		}, 200, []string{"\nready\n"}},
		"paused": {func(a *testAPI) { a.lanes.Paused = true }, 200, []string{
			"[+] channel faq: degraded: paused by an operator; `patchbay channel resume faq` ends the pause\n"}},
		"vendor asked for a pause": {func(a *testAPI) { a.lanes.Pause = 90 * time.Second }, 200,
			[]string{"[+] channel faq: degraded: the vendor asked for a pause, which ends in 1m30s", "ready, degraded"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			tc.prepare(a)
			r := httptest.NewRequest("GET", "http://127.0.0.1/readyz?verbose", nil)
			w := httptest.NewRecorder()
			a.admin.Handler().ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
			for _, want := range tc.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("body %q does not contain %q", w.Body, want)
				}
			}
			var list struct{ Channels []Channel }
			a.call("GET", "/api/channels", 200, &list)
			for _, c := range list.Channels {
				line := "channel " + c.Name + ": degraded: "
				if !strings.Contains(w.Body.String(), line+c.State+"\n") && (c.State != "ready" ||
					strings.Contains(w.Body.String(), line)) {
					t.Errorf("the list of channels has %s: %q, /readyz has %q", c.Name, c.State, w.Body)
				}
			}
		})
	}
}

func TestOverdueCallsDegradeAnAdapter(t *testing.T) {
	c := adapterCheck("bot", &plugin.Status{State: plugin.StateReady, Overdue: 2})
	if c.ok || c.text != "ready, canceled calls that have not ended: 2" {
		t.Errorf("check %+v", c)
	}
}

func TestUnhealthyChannelHasItsReason(t *testing.T) {
	s := plugin.Status{Unhealthy: map[string]string{"faq": "channel faq: the API key is refused"}}
	for name, want := range map[string]string{"faq": "unhealthy: the API key is refused", "desk": ""} {
		if got := unhealthyReason(s, name); got != want {
			t.Errorf("reason of %s: %q, want %q", name, got, want)
		}
	}
}

func TestProbesAndMetricsOfANewGateway(t *testing.T) {
	a := newTestAPI(t)
	a.call("GET", "/livez", 200, nil)
	a.call("GET", "/healthz", 200, nil)
	a.say("web", "w1", "m1", "hello")
	r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	for _, want := range []string{
		"patchbay_ready 1\n", "patchbay_store_missing_records 0\n", "patchbay_store_cap_bytes ",
		"patchbay_oldest_unanswered_message_age_seconds",
		`patchbay_oldest_pending_delivery_age_seconds{channel="desk"} 0`, "patchbay_build_info",
	} {
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("status %d: metrics do not contain %q", w.Code, want)
		}
	}
}
