package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/hours"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
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
	for _, tc := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/api/conversations/" + id + "/pass", `{"user":"ann","channel":"web"}`, 409, "the channels are desk, faq"},
		{"/api/conversations/nosuch/close", `{"user":"ann"}`, 404, "close nosuch: no open conversation has this id"},
		{"/api/conversations/" + id + "/close", `{}`, 400, "user: missing"},
		{"/api/conversations/" + id + "/close", `{"usr":"ann"}`, 400, `unknown field \"usr\"`},
		{"/api/conversations/" + id + "/note", `{"user":"ann","reason":" "}`, 409, "the note has no text"},
		{"/api/conversations/" + id + "/note", `{"user":"a","reason":"` + strings.Repeat("x", 1025) + `"}`, 400,
			"reason: 1025 bytes, at most 1024 are possible"},
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

func TestChannelOutsideItsHoursIsListed(t *testing.T) {
	a := newTestAPI(t)
	now := time.Now().UTC()
	// An hour that begins in two hours.
	span, err := hours.ParseWeekly(now.Add(2*time.Hour).Format("15:04-") + now.Add(3*time.Hour).Format("15:04"))
	if err != nil {
		t.Fatal(err)
	}
	a.running.Config.Channels[2].Hours = hours.New(time.UTC, []hours.Weekly{span}, nil)
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
