package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// serve runs a sandbox with a gateway that responds to all requests with this status.
func serve(t *testing.T, gatewayStatus int) *Sandbox {
	t.Helper()
	gw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(gatewayStatus)
		io.WriteString(w, `{"resultCode":"0"}`)
	}))
	t.Cleanup(gw.Close)
	return serveWith(t, gw.URL)
}

// serveWith runs a sandbox with the gateway at this address.
func serveWith(t *testing.T, gateway string) *Sandbox {
	t.Helper()
	s, err := New(Options{Listen: "127.0.0.1:0", Gateway: gateway, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	return s
}

func do(t *testing.T, method, address, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(testContext(t), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

var (
	inlineScript  = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]|\son[a-z]+\s*=|javascript:|<style|\sstyle\s*=`)
	loadedFile    = regexp.MustCompile(`(?:src|href)="(/web/[^"]+)"`)
	importedFile  = regexp.MustCompile(`from "\./([^"]+)"`)
	dangerousCall = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)
)

func TestPagesFollowTheirContentPolicy(t *testing.T) {
	s := serve(t, 200)
	for _, page := range []string{"/", "/desk"} {
		t.Run(page, func(t *testing.T) {
			resp, body := do(t, "GET", s.URL()+page, "", nil)
			if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Fatalf("status %d, type %q", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			policy := resp.Header.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
			if found := inlineScript.FindString(body); found != "" {
				t.Errorf("the page contains %q, which its policy forbids", found)
			}
			loaded := loadedFile.FindAllStringSubmatch(body, -1)
			if len(loaded) < 3 {
				t.Fatalf("page loads %v, want an icon, a style and a script", loaded)
			}
			for _, l := range loaded {
				checkFile(t, s.URL(), l[1])
			}
		})
	}
}

// checkFile requires that a loaded file and its imports exist and contain no call that inserts HTML.
func checkFile(t *testing.T, base, path string) {
	t.Helper()
	resp, body := do(t, "GET", base+path, "", nil)
	if resp.StatusCode != 200 || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: status %d, %q", path, resp.StatusCode, resp.Header.Get("X-Content-Type-Options"))
	}
	if found := dangerousCall.FindString(body); found != "" {
		t.Errorf("%s uses %s", path, found)
	}
	for _, i := range importedFile.FindAllStringSubmatch(body, -1) {
		checkFile(t, base, "/web/"+i[1])
	}
}

func TestUnknownPathsAndOtherSitesAreRefused(t *testing.T) {
	s := serve(t, 200)
	tests := []struct {
		name, method, path, body string
		header                   map[string]string
		status                   int
	}{
		{"unknown page", "GET", "/nothing", "", nil, 404},
		{"post from another site", "POST", "/desk/hours", `{"open":false}`,
			map[string]string{"Origin": "https://evil.example"}, 403},
		{"unknown action", "POST", "/desk/dance", `{"user":"u"}`, nil, 404},
		{"not JSON", "POST", "/desk/accept", `user=u`, nil, 400},
		{"unknown customer", "POST", "/desk/accept", `{"user":"u"}`, nil, 409},
		{"blank text of the agent", "POST", "/desk/say", `{"user":"u","text":" "}`, nil, 400},
		{"blank text of the customer", "POST", "/chat/messages", `{"user":"u","text":" "}`, nil, 400},
		{"user id with markup", "POST", "/chat/messages", `{"user":"<b>","text":"x"}`, nil, 400},
		{"stream without user", "GET", "/chat/events", "", nil, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := do(t, tt.method, s.URL()+tt.path, tt.body, tt.header)
			if resp.StatusCode != tt.status {
				t.Errorf("status %d %s, want %d", resp.StatusCode, body, tt.status)
			}
		})
	}
	if !s.Desk.Open() {
		t.Error("another site closed the desk")
	}
}

// events reads the server-sent events of a stream.
type events struct {
	t    *testing.T
	scan *bufio.Scanner
}

func openStream(t *testing.T, address, lastID string) *events {
	t.Helper()
	r, err := http.NewRequestWithContext(testContext(t), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	return &events{t: t, scan: bufio.NewScanner(resp.Body)}
}

func (e *events) next(into any) (id string) {
	e.t.Helper()
	for e.scan.Scan() {
		line := e.scan.Text()
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(v), into); err != nil {
				e.t.Fatalf("event %q: %v", v, err)
			}
			return id
		}
	}
	e.t.Fatalf("stream ended: %v", e.scan.Err())
	return ""
}

func TestChatStreamShowsBothSidesAndResumes(t *testing.T) {
	s := serve(t, 200)
	stream := openStream(t, s.URL()+"/chat/events?user=u1", "")
	const markup = "<script>alert(1)</script>\n\ndata: forged"
	ask, err := json.Marshal(form{User: "u1", Text: markup})
	if err != nil {
		t.Fatal(err)
	}
	if resp, body := do(t, "POST", s.URL()+"/chat/messages", string(ask), nil); resp.StatusCode != 200 {
		t.Fatalf("message: %d %s", resp.StatusCode, body)
	}
	call := `{"userId":"u1","messageId":"m1","payload":{"botSay":"Hi","sender":{"role":"agent","name":"Kim"},` +
		`"event":{"type":"passed","ownerRole":"agent","title":"desk"}}}`
	resp, body := do(t, "POST", s.URL()+"/livechat/replies", call, map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer sandbox-native-reply-token"})
	if resp.StatusCode != 200 {
		t.Fatalf("answer: %d %s", resp.StatusCode, body)
	}
	var own, answer, again entry
	stream.next(&own)
	id := stream.next(&answer)
	want := []entry{
		{Role: "customer", Text: markup},
		{Role: "agent", Name: "Kim", Text: "Hi",
			Event: &native.Event{Type: "passed", OwnerRole: "agent", Title: "desk"}},
	}
	resumed := openStream(t, s.URL()+"/chat/events?user=u1", "0")
	if got := resumed.next(&again); got != id {
		t.Errorf("resumed at %s, want %s", got, id)
	}
	own.At, answer.At, again.At = time.Time{}, time.Time{}, time.Time{}
	if own.ID == "" {
		t.Error("the customer's message has no id")
	}
	own.ID = ""
	if diff := cmp.Diff(append(want, want[1]), []entry{own, answer, again}); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestRefusedMessageIsShownAsNotSent(t *testing.T) {
	s := serve(t, 503)
	resp, _ := do(t, "POST", s.URL()+"/chat/messages", `{"user":"u1","text":"hello"}`, nil)
	if resp.StatusCode != 502 {
		t.Errorf("status %d, want 502", resp.StatusCode)
	}
	stream := openStream(t, s.URL()+"/chat/events?user=u1", "")
	var own, problem entry
	stream.next(&own)
	stream.next(&problem)
	if own.Text != "hello" || problem.Role != "problem" || problem.ID == "" || problem.ID != own.ID {
		t.Errorf("got %+v and %+v", own, problem)
	}
}

func TestDeskStreamFollowsTheAgent(t *testing.T) {
	s := serve(t, 200)
	stream := openStream(t, s.URL()+"/desk/events", "")
	var now deskState
	stream.next(&now)
	if len(now.Chats) != 0 || !now.Open {
		t.Fatalf("desk at start %+v, want empty and open", now)
	}
	connect(t, s)
	waitState(t, stream, aicc.StateWaiting)
	for _, step := range []struct {
		action, body string
		state        aicc.State
	}{
		{"accept", `{"user":"u1"}`, aicc.StateActive},
		{"say", `{"user":"u1","text":"<b>hi</b>"}`, aicc.StateActive},
		{"close", `{"user":"u1"}`, aicc.StateClosed},
	} {
		if resp, body := do(t, "POST", s.URL()+"/desk/"+step.action, step.body, nil); resp.StatusCode != 200 {
			t.Fatalf("%s: %d %s", step.action, resp.StatusCode, body)
		}
		now = waitState(t, stream, step.state)
	}
	var said []string
	for _, l := range now.Chats[0].Lines {
		said = append(said, l.From+": "+l.Text)
	}
	want := []string{"system: Queuing...", "system: The call is connected to an agent.", "agent: <b>hi</b>"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if resp, _ := do(t, "POST", s.URL()+"/desk/hours", `{"open":false}`, nil); resp.StatusCode != 200 {
		t.Fatalf("hours: %d", resp.StatusCode)
	}
	for now.Open {
		stream.next(&now)
	}
}

// connect makes the calls of a gateway that move u1 into the desk's queue.
func connect(t *testing.T, s *Sandbox) {
	t.Helper()
	call := func(path, body string, header map[string]string) map[string]string {
		resp, answer := do(t, "POST", s.URL()+"/aicc"+path, body, header)
		var out map[string]string
		if err := json.Unmarshal([]byte(answer), &out); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, answer)
		}
		return out
	}
	out := call("/apigovernance/api/oauth/tokenByAkSk",
		`{"app_key":"sandbox-aicc-app-key","app_secret":"sandbox-aicc-app-secret"}`, nil)
	header := map[string]string{"x-app-key": "sandbox-aicc-app-key", "Authorization": "Bearer " + out["AccessToken"]}
	out = call("/apiaccess/ccmessaging/applyToken",
		`{"userId":"u1","userName":"Ann","channelId":"202105284494222653","locale":"en"}`, header)
	header["ccmessaging-token"] = out["token"]
	call("/apiaccess/ccmessaging/send", `{"channel":"WEB","controlType":"CONNECT","mediaType":"TEXT","content":"",`+
		`"from":"u1","to":"202105284494222653","sourceType":"CUSTOMER"}`, header)
}

func waitState(t *testing.T, stream *events, want aicc.State) deskState {
	t.Helper()
	for {
		var now deskState
		stream.next(&now)
		if len(now.Chats) == 1 && now.Chats[0].State == want {
			return now
		}
	}
}
