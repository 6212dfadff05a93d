package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/hours"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/memory"
	"patchbay/core/internal/trail"
	"patchbay/core/internal/writer"
)

// post sends a command and returns the status and the body of the response.
func (a *testAPI) post(path, body string) (int, string) {
	a.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (a *testAPI) onlyConversation() string {
	a.Helper()
	id := ""
	if err := a.w.View(a.Context(), func(s *state.State) {
		s.All(func(c *state.Conversation) bool { id = c.ID; return true })
	}); err != nil {
		a.Fatal(err)
	}
	return id
}

func TestConversationCommands(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "t1", "m1", "hello")
	id := a.onlyConversation()
	status, body := a.post("/api/conversations/"+id+"/pass", `{"user":"ann","reason":"angry customer","channel":"desk"}`)
	var c trail.Conversation
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != http.StatusOK {
		t.Fatalf("pass = %d %s, want 200 with the conversation", status, body)
	}
	if c.State.Owner != "desk" || len(c.Pending) != 2 {
		t.Errorf("owner %s with %d pending, want desk with the open and the message", c.State.Owner, len(c.Pending))
	}
	found, err := a.admin.Trail.Find(t.Context(), trail.Query{IDs: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	audited := false
	for _, e := range found[0].Entries {
		audited = audited || e.Step == "command pass" && e.Channel == "desk" && e.Detail == "by ann: angry customer"
	}
	if !audited {
		t.Errorf("entries %+v, want one with the command, its user and its reason", found[0].Entries)
	}
	if status, body = a.post("/api/conversations/"+id+"/close", `{"user":"ann"}`); status != http.StatusOK {
		t.Errorf("close = %d %s", status, body)
	}
}

func TestRefusedCommands(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "t1", "m1", "hello")
	id := a.onlyConversation()
	a.addAdapter("bot")
	for _, tc := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/api/conversations/" + id + "/pass", `{"user":"ann","channel":"web"}`, 409, "choose one of desk, faq"},
		{"/api/conversations/nosuch/close", `{"user":"ann"}`, 404, "close nosuch: no live conversation has this id"},
		{"/api/conversations/" + id + "/close", `{}`, 400, "user: missing"},
		{"/api/conversations/" + id + "/close", `{"usr":"ann"}`, 400, `unknown field \"usr\"`},
		{"/api/conversations/" + id + "/note", `{"user":"ann","reason":" "}`, 409, "the note has no text"},
		{"/api/conversations/" + id + "/note", `{"user":"a","reason":"` + strings.Repeat("x", 1025) + `"}`, 400,
			"reason: 1025 bytes, at most 1024 are possible"},
		{"/api/conversations/" + id + "/close", `{"user":"ann","channel":"desk"}`, 400, "the command close has no such field"},
		{"/api/conversations/" + id + "/close?user=ann", `{"user":"ann"}`, 400, `unknown parameter \"user\" in the URL`},
		{"/api/channels/faq/pause?force=1", `{"user":"ann"}`, 400, "the fields of a command go in the body"},
		{"/api/channels/faq/pause", `{"user":"ann","until":"noon"}`, 400, `unknown field \"until\"`},
		{"/api/drain", ``, 400, "read the body"},
		{"/api/drain", `{"user":"ann","now":true}`, 400, `unknown field \"now\"`},
		{"/api/config/reload?dry_run=1", `{"user":"ann"}`, 400, "the fields of a command go in the body"},
		{"/api/config/reload", `{"user":"ann","dryrun":true}`, 400, `unknown field \"dryrun\"`},
		{"/api/config/reload", `{"dry_run":true}`, 400, "user: missing"},
		{"/api/adapters/bot/restart", `{}`, 400, "user: missing"},
		{"/api/dead-letters/x/replay?rate=1", `{"user":"ann"}`, 400, "the fields of a command go in the body"},
		{"/api/channels/nosuch/pause", `{"user":"ann"}`, 404, `no channel \"nosuch\"; the channels are web, faq, desk`},
	} {
		if status, body := a.post(tc.path, tc.body); status != tc.status || !strings.Contains(body, tc.want) {
			t.Errorf("POST %s %s = %d %s, want %d with %q", tc.path, tc.body, status, body, tc.status, tc.want)
		}
	}
}

func TestPausedChannelIsListed(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "t1", "m1", "hello")
	for _, want := range []string{`"changed": true`, `"changed": false`} {
		if status, body := a.post("/api/channels/faq/pause", `{"user":"ann","reason":"repair"}`); status != 200 ||
			!strings.Contains(body, want) {
			t.Errorf("pause = %d %s, want %s", status, body, want)
		}
	}
	var list struct{ Channels []Channel }
	a.call(http.MethodGet, "/api/channels", http.StatusOK, &list)
	if len(list.Channels) != 3 {
		t.Fatalf("%d channels, want 3", len(list.Channels))
	}
	desk, faq := list.Channels[0], list.Channels[1]
	if faq.Name != "faq" || faq.Queued != 1 || faq.Oldest == nil || faq.Paused == nil || faq.Paused.User != "ann" ||
		faq.Paused.Reason != "repair" {
		t.Errorf("channel %+v, want faq with one delivery, paused by ann for repair", faq)
	}
	if desk.Name != "desk" || desk.Paused != nil || desk.Oldest != nil {
		t.Errorf("channel %+v, want desk with nothing", desk)
	}
}

func TestChannelThatCannotKeepUpIsListed(t *testing.T) {
	a := newTestAPI(t)
	a.running.Config.Limits.QueueAge = 5 * time.Second
	for waits, want := range map[time.Duration]string{
		2500 * time.Millisecond: "ready",
		2600 * time.Millisecond: "cannot keep up: all calls have been in use for 9s, and the first waiting delivery has " +
			"waited 2.6s for one",
	} {
		a.lanes = attempt.ChannelState{Full: 9 * time.Second, Waits: waits}
		var list struct{ Channels []Channel }
		a.call(http.MethodGet, "/api/channels", http.StatusOK, &list)
		if got := list.Channels[1]; got.Name != "faq" || got.State != want {
			t.Errorf("%s waits %s: %q, want %q", got.Name, waits, got.State, want)
		}
	}
}

// hoursFrom returns hours of one hour a day.
func (a *testAPI) hoursFrom(start time.Time) *hours.Hours {
	a.Helper()
	span, err := hours.ParseWeekly(start.UTC().Format("15:04-") + start.UTC().Add(time.Hour).Format("15:04"))
	if err != nil {
		a.Fatal(err)
	}
	return hours.New(time.UTC, []hours.Weekly{span}, nil)
}

func TestChannelOutsideItsHoursIsListed(t *testing.T) {
	a := newTestAPI(t)
	now := time.Now().UTC()
	a.running.Config.Channels[2].Hours = a.hoursFrom(now.Add(2 * time.Hour))
	var list struct{ Channels []Channel }
	a.call(http.MethodGet, "/api/channels", http.StatusOK, &list)
	desk, faq := list.Channels[0], list.Channels[1]
	if want := now.Add(2 * time.Hour).Truncate(time.Minute); desk.Opens == nil || !desk.Opens.Equal(want) || faq.Opens != nil {
		t.Errorf("desk opens at %v, want %v; faq opens at %v, want always open", desk.Opens, want, faq.Opens)
	}
	for _, d := range []trail.PendingDelivery{{Channel: "desk", Kind: "open"}, {Channel: "desk", Kind: "open", Offer: true}} {
		got := a.admin.pendingReason(&d)
		if waits := strings.HasPrefix(got, "the channel's hours begin at "); waits == d.Offer {
			t.Errorf("offer %v waits because %q", d.Offer, got)
		}
	}
}

func TestReloadIsLoggedWithItsUser(t *testing.T) {
	a := newTestAPI(t)
	var log strings.Builder
	a.admin.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var got ReloadRequest
	a.admin.Reload = func(_ context.Context, r ReloadRequest) *Reload { got = r; return &Reload{Result: ReloadApplied} }
	body := `{"user":"ann","reason":"new desk","previous":true}`
	if status, answer := a.post("/api/config/reload", body); status != 200 || !got.Previous || got.DryRun {
		t.Errorf("reload = %d %s with %+v, want 200 and the previous configuration", status, answer, got)
	}
	if !strings.Contains(log.String(), `command=reload user=ann dry_run=false previous=true reason="new desk"`) {
		t.Errorf("log output %s", log.String())
	}
}

// A command that cannot be stored is refused with 503, so that the caller repeats it.
func TestCommandsWhileTheStoreIsUnavailable(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "t1", "m1", "hello")
	id := a.onlyConversation()
	j := a.job("faq")
	a.finish(j, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
	for _, path := range []string{
		"/api/conversations/" + id + "/close", "/api/channels/faq/pause", "/api/drain",
		"/api/dead-letters/" + j.Delivery.ID + "/replay",
	} {
		a.log.Fail(memory.LostUnstored)
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(`{"user":"ann"}`))
		w := httptest.NewRecorder()
		a.admin.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("POST %s = %d %s, want 503 with Retry-After", path, w.Code, w.Body)
		}
	}
}

func TestRemovedChannelIsListed(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "t1", "m1", "hello")
	p := *a.policy
	p.Channels = maps.Clone(p.Channels)
	delete(p.Channels, "web")
	a.say("faq", a.job("faq").Thread, "a1", "an answer")
	if _, err := a.w.Revise(&writer.Revision{Policy: &p, Hash: "h", Cause: "reload", Applied: func(uint64) {}}); err != nil {
		t.Fatal(err)
	}
	a.running.Config.Channels = a.running.Config.Channels[1:]
	var list struct{ Channels []Channel }
	a.call(http.MethodGet, "/api/channels", http.StatusOK, &list)
	last := list.Channels[len(list.Channels)-1]
	if last.Name != "web" || last.Queued != 1 || last.ReturnUntil == nil || last.State != "channel web is not configured" {
		t.Errorf("channels %+v, want web with its delivery", list.Channels)
	}
}

func TestDrainListsPendingWork(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(a *testAPI)
		want    string
	}{
		"nothing": {func(*testAPI) {}, ""},
		"pause":   {func(a *testAPI) { a.lanes.Paused = true }, "paused by an operator"},
		"breaker": {func(a *testAPI) { a.lanes.Breaker, a.lanes.Cause = "open", "HTTP 500" },
			"the channel's circuit breaker is open: HTTP 500"},
		"adapter": {func(a *testAPI) { a.addAdapter("aicc") }, "adapter aicc is stopped"},
		"removed": {func(a *testAPI) { a.running.Config.Channels = a.running.Config.Channels[:2] },
			"channel desk is not configured"},
		"hours": {func(a *testAPI) { a.running.Config.Channels[2].Hours = a.hoursFrom(time.Now().Add(2 * time.Hour)) },
			"its hours begin at "},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			a.say("web", "t1", "m1", "desk now")
			a.waitUntilIdle()
			tc.prepare(a)
			var got DrainStatus
			a.call(http.MethodGet, "/api/drain", http.StatusOK, &got)
			reason := got.HeldUp["desk"]
			if got.Deliveries["desk"] == 0 || !strings.HasPrefix(reason, tc.want) || (reason == "") != (tc.want == "") {
				t.Errorf("status %+v, want desk held up by %q", got, tc.want)
			}
		})
	}
}
