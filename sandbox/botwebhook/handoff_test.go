package botwebhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

// desk is the gateway's side of hand-offs, reached without a network, so that it works under a virtual clock.
type desk struct {
	calls  simulator.Log[deskCall]
	answer func(deskCall) (int, string)
}

type deskCall struct {
	path, auth string
	body       map[string]any
}

func taken(deskCall) (int, string) { return 200, `{"code":200,"message":"success"}` }

func (d *desk) RoundTrip(r *http.Request) (*http.Response, error) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	call := deskCall{r.URL.Path, r.Header.Get("Authorization"), body}
	status, answer := d.answer(call)
	d.calls.Append(call)
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
	s := start(t, o)
	s.Client.Transport = d
	s.Point("http://gateway")
	return s, d
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
	s, d := startDesk(t, Options{WebhookToken: "ht"})
	said := []Line{{"QUESTION", "human service"}, {"ANSWER", "wait"}}
	h := handOver(t, s, User{UserID: "u1", Said: said})
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
		{"/webhooks/botwebhook/handoff/conversation/establish", "Bearer ht", map[string]any{
			"conversation_id": h.ID, "email": "support@gptbots.ai", "body": []any{
				map[string]any{"message_type": "QUESTION", "text": "human service"},
				map[string]any{"message_type": "ANSWER", "text": "wait"},
			}, "user_info": map[string]any{"phone": nil, "email": nil, "user_id": "u1", "anonymous_id": nil}}},
		{"/webhooks/botwebhook/handoff/chat", "Bearer ht", map[string]any{"conversation_id": h.ID, "body": "Hello Eve"}},
		{"/webhooks/botwebhook/handoff/conversation/close", "Bearer ht", map[string]any{"conversation_id": h.ID, "type": "USER_CLOSED"}},
	}
	got := d.calls.All()
	for i := range got {
		if at, _ := got[i].body["timestamp"].(float64); at < 1e12 {
			t.Errorf("call %d has timestamp %v, want milliseconds", i, got[i].body["timestamp"])
		}
		delete(got[i].body, "timestamp")
		delete(got[i].body, "bot_id")
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

func TestHandoffEndsWithoutAnAgentsMessage(t *testing.T) {
	tests := []struct {
		name  string
		speak bool // just before the time is over
		want  []string
	}{
		{"silence", false, []string{"/webhooks/botwebhook/handoff/conversation/establish", "/webhooks/botwebhook/handoff/conversation/close TIMEOUT"}},
		{"a word in time", true, []string{"/webhooks/botwebhook/handoff/conversation/establish"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d := startDesk(t, Options{})
				h, err := s.Handoff(t.Context(), User{UserID: "u1"})
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(handoffWait - time.Millisecond)
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

func TestGatewayMayWriteBeforeEstablishIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := startDesk(t, Options{})
		d.answer = func(call deskCall) (int, string) {
			if strings.HasSuffix(call.path, "/establish") {
				h, _ := s.handoffs.Get(call.body["conversation_id"].(string))
				speak(t, s, h, "immediately")
			}
			return taken(call)
		}
		h, err := s.Handoff(t.Context(), User{})
		if err != nil || h.Heard.Len() != 1 {
			t.Fatalf("Handoff = %v, want a hand-off with one message", err)
		}
		<-time.After(2 * time.Minute)
		if h.How() != "" {
			t.Errorf("ended by %q although an agent wrote", h.How())
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
	if diff := cmp.Diff([]string{"/webhooks/botwebhook/handoff/conversation/establish"}, d.paths()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRefusedHandoffIsBusy(t *testing.T) {
	for name, answer := range map[string]func(deskCall) (int, string){
		"refused":         func(deskCall) (int, string) { return 503, `{"code":503,"message":"no"}` },
		"code of failure": func(deskCall) (int, string) { return 200, `{"code":500,"message":"no"}` },
		"msg for message": func(deskCall) (int, string) { return 200, `{"code":200,"msg":"success"}` },
		"code as text":    func(deskCall) (int, string) { return 200, `{"code":"200","message":"success"}` },
		"no JSON":         func(deskCall) (int, string) { return 200, `ok` },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := startDesk(t, Options{})
			d.answer = answer
			h, err := s.Handoff(soon(t), User{})
			if !errors.Is(err, ErrBusy) || h != nil {
				t.Errorf("Handoff = %v, want ErrBusy", err)
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
