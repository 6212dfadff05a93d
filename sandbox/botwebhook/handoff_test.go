package botwebhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/record"
)

// desk is the gateway's side of hand-offs, reached without a network, so that it works under a virtual clock.
type desk struct {
	calls  record.Log[deskCall]
	answer func(path string) (int, string)
}

type deskCall struct {
	path, auth string
	body       map[string]any
}

func taken(string) (int, string) { return 200, `{"code":200,"message":"success"}` }

func (d *desk) RoundTrip(r *http.Request) (*http.Response, error) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	status, answer := d.answer(r.URL.Path)
	d.calls.Append(deskCall{r.URL.Path, r.Header.Get("Authorization"), body})
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(answer)),
	}, nil
}

// paths returns the calls so far, with the type of close calls.
func (d *desk) paths() []string {
	var paths []string
	for _, c := range d.calls.All() {
		paths = append(paths, strings.TrimSpace(fmt.Sprint(c.path, " ", orEmpty(c.body["type"]))))
	}
	return paths
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func startDesk(t *testing.T, o Options) (*Simulator, *desk) {
	t.Helper()
	d := &desk{answer: taken}
	o.Client = &http.Client{Transport: d}
	o.Human.Base = "http://gateway/handoff"
	return start(t, o), d
}

func handOver(t *testing.T, s *Simulator, u User) *Handoff {
	t.Helper()
	h, err := s.Handoff(soon(t), u)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func speak(t *testing.T, s *Simulator, h *Handoff, text string) int {
	t.Helper()
	status, _ := call(t, s, "/v1/human/message/receive", "app-key",
		fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895,"body":%q}`, h.ID, text))
	return status
}

func TestHandoffFromEstablishToClose(t *testing.T) {
	s, d := startDesk(t, Options{Human: Human{Token: "ht", BotID: "b1"}})
	said := []Line{{"QUESTION", "human service"}, {"ANSWER", "wait"}}
	h := handOver(t, s, User{UserID: "u1", Email: "ann@example.com", Said: said})
	if status := speak(t, s, h, "I am Eve"); status != 200 {
		t.Fatalf("a person's message was answered with %d", status)
	}
	if out, err := h.Say(soon(t), "Hello Eve"); err != nil || !out.Accepted {
		t.Fatalf("Say = %+v, %v", out, err)
	}
	if out, err := h.Close(soon(t)); err != nil || !out.Accepted {
		t.Fatalf("Close = %+v, %v", out, err)
	}
	want := []deskCall{
		{"/handoff/conversation/establish", "Bearer ht", map[string]any{
			"conversation_id": h.ID, "email": "ann@example.com", "bot_id": "b1", "body": []any{
				map[string]any{"message_type": "QUESTION", "text": "human service"},
				map[string]any{"message_type": "ANSWER", "text": "wait"},
			}, "user_info": map[string]any{"phone": nil, "email": "ann@example.com", "user_id": "u1", "anonymous_id": nil}}},
		{"/handoff/chat", "Bearer ht", map[string]any{"conversation_id": h.ID, "body": "Hello Eve"}},
		{"/handoff/conversation/close", "Bearer ht", map[string]any{"conversation_id": h.ID, "type": "USER_CLOSED"}},
	}
	got := d.calls.All()
	for i := range got {
		if at, _ := got[i].body["timestamp"].(float64); at < 1e12 {
			t.Errorf("call %d has timestamp %v, want milliseconds", i, got[i].body["timestamp"])
		}
		delete(got[i].body, "timestamp")
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(deskCall{})); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if heard := h.Heard.All(); len(heard) != 1 || heard[0].Text != "I am Eve" || heard[0].Timestamp != 1742265090895 {
		t.Errorf("heard %+v", heard)
	}
	if status := speak(t, s, h, "too late"); status != 404 || h.How() != ByUser {
		t.Errorf("after the end: status %d, ended by %q, want 404 and %q", status, h.How(), ByUser)
	}
	if _, err := h.Say(soon(t), "x"); !errors.Is(err, ErrEnded) {
		t.Errorf("Say after the end = %v, want ErrEnded", err)
	}
}

func TestHandoffEndsWhenNobodySpeaks(t *testing.T) {
	tests := []struct {
		name  string
		wait  time.Duration // option
		speak bool          // just before the time is over
		want  []string
	}{
		{"silence", 0, false, []string{"/handoff/conversation/establish", "/handoff/conversation/close TIMEOUT"}},
		{"another limit", time.Hour, false, []string{"/handoff/conversation/establish", "/handoff/conversation/close TIMEOUT"}},
		{"a word in time", 0, true, []string{"/handoff/conversation/establish"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d := startDesk(t, Options{Human: Human{Wait: tt.wait}})
				limit := tt.wait
				if limit == 0 {
					limit = time.Minute
				}
				h, err := s.Handoff(t.Context(), User{UserID: "u1"})
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(limit - time.Millisecond)
				synctest.Wait()
				if h.How() != "" {
					t.Errorf("ended by %q before its time", h.How())
				}
				if tt.speak {
					speak(t, s, h, "here I am")
				}
				<-time.After(time.Millisecond)
				synctest.Wait()
				if diff := cmp.Diff(tt.want, d.paths()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if got := h.How() == TimedOut; got == tt.speak {
					t.Errorf("ended by %q", h.How())
				}
			})
		})
	}
}

func TestGatewayMaySpeakAndEndBeforeEstablishIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := startDesk(t, Options{})
		d.answer = func(path string) (int, string) {
			if strings.HasSuffix(path, "/establish") {
				s.handoffs.Range(func(_, h any) bool { return speak(t, s, h.(*Handoff), "at once") == 200 })
			}
			return taken(path)
		}
		h, err := s.Handoff(t.Context(), User{})
		if err != nil || h.Heard.Len() != 1 {
			t.Fatalf("Handoff = %v, want a hand-off with one message", err)
		}
		<-time.After(2 * time.Minute)
		if h.How() != "" {
			t.Errorf("ended by %q although somebody spoke", h.How())
		}
	})
}

func TestAgentEndsHandoff(t *testing.T) {
	s, d := startDesk(t, Options{})
	h := handOver(t, s, User{})
	body := fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895}`, h.ID)
	for _, want := range []int{200, 404} {
		if status, out := call(t, s, "/v1/human/close", "app-key", body); status != want {
			t.Errorf("close = %d %v, want %d", status, out, want)
		}
	}
	if how, err := h.Wait(soon(t)); err != nil || how != ByAgent {
		t.Errorf("ended by %q, %v, want %q", how, err, ByAgent)
	}
	if diff := cmp.Diff([]string{"/handoff/conversation/establish"}, d.paths()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestHandoffThatIsNotTaken(t *testing.T) {
	for name, answer := range map[string]func(string) (int, string){
		"refused":         func(string) (int, string) { return 503, `{"code":503,"message":"no"}` },
		"code of failure": func(string) (int, string) { return 200, `{"code":500,"message":"no"}` },
		"msg for message": func(string) (int, string) { return 200, `{"code":200,"msg":"success"}` },
		"code as text":    func(string) (int, string) { return 200, `{"code":"200","message":"success"}` },
		"no JSON":         func(string) (int, string) { return 200, `ok` },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := startDesk(t, Options{})
			d.answer = answer
			h, err := s.Handoff(soon(t), User{})
			if !errors.Is(err, ErrBusy) || h != nil || s.Problems.Len() != 1 {
				t.Errorf("Handoff = %v with problems %v, want ErrBusy and one problem", err, s.Problems.All())
			}
			if len(d.paths()) != 1 {
				t.Errorf("calls %v, want establish alone", d.paths())
			}
		})
	}
}

func TestHumanCallsAreReadStrictly(t *testing.T) {
	s, _ := startDesk(t, Options{})
	h := handOver(t, s, User{})
	good := fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895,"body":"x"}`, h.ID)
	tests := []struct {
		name, path, key, body string
		status                int
		code                  float64
	}{
		{"unknown hand-off", "message/receive", "app-key", strings.Replace(good, h.ID, "nope", 1), 404, 40356},
		{"no time", "message/receive", "app-key", strings.Replace(good, "1742265090895", "0", 1), 400, 40000},
		{"time in seconds", "message/receive", "app-key", strings.Replace(good, "1742265090895", "1742265090", 1), 400, 40000},
		{"time as text", "message/receive", "app-key", strings.Replace(good, "1742265090895", `"1742265090895"`, 1), 400, 40000},
		{"nothing said", "message/receive", "app-key", strings.Replace(good, `"x"`, `""`, 1), 400, 40000},
		{"parts", "message/receive", "app-key", strings.Replace(good, `"x"`, `[{"text":"x"}]`, 1), 400, 40000},
		{"wrong key", "message/receive", "no", good, 401, 40127},
		{"words with the end", "close", "app-key", good, 400, 40000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out := call(t, s, "/v1/human/"+tt.path, tt.key, tt.body)
			if status != tt.status || out["code"] != tt.code {
				t.Errorf("got %d %v, want %d with code %v", status, out, tt.status, tt.code)
			}
		})
	}
	if h.Heard.Len() != 0 || h.How() != "" {
		t.Errorf("heard %v, ended by %q, want nothing of either", h.Heard.All(), h.How())
	}
}

func TestKeyOfHumanCallsMayBeOptional(t *testing.T) {
	s, _ := startDesk(t, Options{Human: Human{KeyOptional: true, Answer: `{"code":0,"message":"OK"}`}})
	h := handOver(t, s, User{})
	for key, want := range map[string]int{"": 200, "Bearer app-key": 200, "Bearer no": 401} {
		r := httptest.NewRequest(http.MethodPost, "/v1/human/message/receive",
			strings.NewReader(fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895,"body":"x"}`, h.ID)))
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Authorization", key)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != want || want == 200 && w.Body.String() != `{"code":0,"message":"OK"}` {
			t.Errorf("key %q: %d %s, want %d", key, w.Code, w.Body, want)
		}
	}
}

func TestFaultsOfHandoffs(t *testing.T) {
	s, d := startDesk(t, Options{Human: Human{Token: "ht"}})
	s.Faults.Add(fault.Fault{Kind: fault.Duplicate, Endpoint: EndpointEstablish, Count: 1})
	s.Faults.Add(fault.Fault{Kind: fault.BadSignature, Endpoint: EndpointChat, Count: 1})
	s.Faults.Add(fault.Fault{Kind: fault.ExpiredToken, Endpoint: EndpointReceive, Count: 1})
	h := handOver(t, s, User{})
	if _, err := h.Say(soon(t), "x"); err != nil {
		t.Fatal(err)
	}
	if status := speak(t, s, h, "x"); status != 401 {
		t.Errorf("a message with an expired key was answered with %d, want 401", status)
	}
	if _, err := h.Expire(soon(t)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range d.calls.All() {
		got = append(got, c.path+" "+c.auth)
	}
	want := []string{"/handoff/conversation/establish Bearer ht", "/handoff/conversation/establish Bearer ht",
		"/handoff/chat Bearer wrong-ht", "/handoff/conversation/close Bearer ht"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCloseEndsHandoffs(t *testing.T) {
	s, _ := startDesk(t, Options{})
	h := handOver(t, s, User{})
	s.Close()
	if h.How() != Abandoned {
		t.Errorf("ended by %q, want %q", h.How(), Abandoned)
	}
	if _, err := s.Handoff(soon(t), User{}); err == nil {
		t.Error("a closed simulator handed over")
	}
}

func TestCheckCallsEveryWebhook(t *testing.T) {
	s, d := startDesk(t, Options{Webhook: "http://gateway/hook", TestFields: map[string]any{"message_type": "ANSWER"}})
	d.answer = func(path string) (int, string) {
		if path == "/handoff/chat" {
			return 500, ""
		}
		return taken(path)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/webhook/check", http.NoBody)
	r.Header.Set("Authorization", "Bearer app-key")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var out struct{ Results []CheckResult }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		t.Fatalf("check = %d %s, %v", w.Code, w.Body, err)
	}
	want := []CheckResult{
		{Type: "message", WebhookURL: "http://gateway/hook", Reachable: true, HTTPStatus: 200},
		{Type: "human_service", WebhookURL: "http://gateway/handoff/conversation/establish", Reachable: true, HTTPStatus: 200},
		{Type: "human_service", WebhookURL: "http://gateway/handoff/chat", Reachable: true, HTTPStatus: 500},
		{Type: "human_service", WebhookURL: "http://gateway/handoff/conversation/close", Reachable: true, HTTPStatus: 200},
	}
	for i := range out.Results {
		out.Results[i].LatencyMS = 0
	}
	if diff := cmp.Diff(want, out.Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	for _, c := range d.calls.All() {
		if diff := cmp.Diff(map[string]any{"istest": true, "message_type": "ANSWER"}, c.body); diff != "" {
			t.Errorf("test call of %s (-want +got):\n%s", c.path, diff)
		}
	}
}
