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

// desk is a gateway that records the calls of hand-offs. It is the transport of the simulator's client and needs no
// network, so that it works in a synctest bubble.
type desk struct {
	calls  simulator.Log[deskCall]
	answer func(deskCall) (int, string)
}

type deskCall struct {
	path, auth string
	body       map[string]any
}

func acceptCall(deskCall) (int, string) { return 200, `{"code":200,"message":"success"}` }

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

// summaries returns the path of each call so far, with the type of close calls.
func (d *desk) summaries() []string {
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
	d := &desk{answer: acceptCall}
	s := start(t, o)
	s.Client.Transport = d
	s.SetGateway("http://gateway")
	return s, d
}

func startHandoff(t *testing.T, s *Simulator, u User) *Handoff {
	t.Helper()
	h, err := s.Handoff(testContext(t), u)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sendAgentMessage(t *testing.T, s *Simulator, h *Handoff, text string) int {
	t.Helper()
	status, _ := call(t, s, "/v1/human/message/receive", "app-key",
		fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895,"body":%q}`, h.ID, text))
	return status
}

func TestHandoffFromEstablishToClose(t *testing.T) {
	s, d := startDesk(t, Options{WebhookToken: "ht"})
	said := []Line{{"QUESTION", "human service"}, {"ANSWER", "wait"}}
	h := startHandoff(t, s, User{UserID: "u1", Dialogue: said})
	if status := sendAgentMessage(t, s, h, "I am Eve"); status != 200 {
		t.Fatalf("status %d for an agent's message, want 200", status)
	}
	if out, err := h.Say(testContext(t), "Hello Eve"); err != nil || !out.Accepted {
		t.Fatalf("Say = %+v, %v", out, err)
	}
	if out, err := h.Close(testContext(t)); err != nil || !out.Accepted {
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
	if all := h.AgentMessages.All(); len(all) != 1 || all[0].Text != "I am Eve" || all[0].Timestamp != 1742265090895 {
		t.Errorf("agent's messages %+v", all)
	}
	if status := sendAgentMessage(t, s, h, "too late"); status != 404 || h.EndReason() != ByUser {
		t.Errorf("after the end: status %d, end reason %q, want 404 and %q", status, h.EndReason(), ByUser)
	}
	if _, err := h.Say(testContext(t), "x"); !errors.Is(err, ErrEnded) {
		t.Errorf("Say after the end = %v, want ErrEnded", err)
	}
}

func TestHandoffEndsWithoutAnAgentsMessage(t *testing.T) {
	tests := []struct {
		name  string
		speak bool // just before the timeout
		want  []string
	}{
		{"no message", false, []string{"/webhooks/botwebhook/handoff/conversation/establish", "/webhooks/botwebhook/handoff/conversation/close TIMEOUT"}},
		{"a message before the timeout", true, []string{"/webhooks/botwebhook/handoff/conversation/establish"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, d := startDesk(t, Options{})
				h, err := s.Handoff(t.Context(), User{UserID: "u1"})
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(handoffTimeout - time.Millisecond)
				synctest.Wait()
				if h.EndReason() != "" {
					t.Errorf("ended with reason %q before the timeout", h.EndReason())
				}
				if tt.speak {
					sendAgentMessage(t, s, h, "here I am")
				}
				<-time.After(time.Millisecond)
				synctest.Wait()
				if diff := cmp.Diff(tt.want, d.summaries()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if got := h.EndReason() == TimedOut; got == tt.speak {
					t.Errorf("end reason %q", h.EndReason())
				}
			})
		})
	}
}

func TestAgentMayWriteBeforeTheResponseToEstablish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := startDesk(t, Options{})
		d.answer = func(call deskCall) (int, string) {
			if strings.HasSuffix(call.path, "/establish") {
				h, _ := s.handoffs.Get(call.body["conversation_id"].(string))
				sendAgentMessage(t, s, h, "immediately")
			}
			return acceptCall(call)
		}
		h, err := s.Handoff(t.Context(), User{})
		if err != nil || h.AgentMessages.Len() != 1 {
			t.Fatalf("Handoff = %v, want a hand-off with one message", err)
		}
		<-time.After(2 * time.Minute)
		if h.EndReason() != "" {
			t.Errorf("ended with reason %q although an agent wrote", h.EndReason())
		}
	})
}

func TestAgentEndsHandoff(t *testing.T) {
	s, d := startDesk(t, Options{})
	h := startHandoff(t, s, User{})
	body := fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895}`, h.ID)
	for _, want := range []int{200, 404} {
		if status, out := call(t, s, "/v1/human/close", "app-key", body); status != want {
			t.Errorf("close = %d %v, want %d", status, out, want)
		}
	}
	if how, err := h.Wait(testContext(t)); err != nil || how != ByAgent {
		t.Errorf("end reason %q, %v, want %q", how, err, ByAgent)
	}
	if diff := cmp.Diff([]string{"/webhooks/botwebhook/handoff/conversation/establish"}, d.summaries()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRefusedHandoffIsBusy(t *testing.T) {
	for name, answer := range map[string]func(deskCall) (int, string){
		"refused":                func(deskCall) (int, string) { return 503, `{"code":503,"message":"no"}` },
		"code 500":               func(deskCall) (int, string) { return 200, `{"code":500,"message":"no"}` },
		"msg instead of message": func(deskCall) (int, string) { return 200, `{"code":200,"msg":"success"}` },
		"code as text":           func(deskCall) (int, string) { return 200, `{"code":"200","message":"success"}` },
		"not JSON":               func(deskCall) (int, string) { return 200, `ok` },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := startDesk(t, Options{})
			d.answer = answer
			h, err := s.Handoff(testContext(t), User{})
			if !errors.Is(err, ErrBusy) || h != nil {
				t.Errorf("Handoff = %v, want ErrBusy", err)
			}
			if len(d.summaries()) != 1 {
				t.Errorf("calls %v, want only establish", d.summaries())
			}
		})
	}
}

func TestHandoffCallsAreValidated(t *testing.T) {
	s, _ := startDesk(t, Options{})
	h := startHandoff(t, s, User{})
	good := fmt.Sprintf(`{"conversation_id":%q,"timestamp":1742265090895,"body":"x"}`, h.ID)
	tests := []struct {
		name, path, key, body string
		status                int
		code                  float64
	}{
		{"unknown hand-off", "message/receive", "app-key", strings.Replace(good, h.ID, "nope", 1), 404, 40356},
		{"zero as time", "message/receive", "app-key", strings.Replace(good, "1742265090895", "0", 1), 400, 40000},
		{"time in seconds", "message/receive", "app-key", strings.Replace(good, "1742265090895", "1742265090", 1), 400, 40000},
		{"time as text", "message/receive", "app-key", strings.Replace(good, "1742265090895", `"1742265090895"`, 1), 400, 40000},
		{"empty text", "message/receive", "app-key", strings.Replace(good, `"x"`, `""`, 1), 400, 40000},
		{"parts instead of a text", "message/receive", "app-key", strings.Replace(good, `"x"`, `[{"text":"x"}]`, 1), 400, 40000},
		{"wrong key", "message/receive", "no", good, 401, 40127},
		{"close with a text", "close", "app-key", good, 400, 40000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out := call(t, s, "/v1/human/"+tt.path, tt.key, tt.body)
			if status != tt.status || out["code"] != tt.code {
				t.Errorf("got %d %v, want %d with code %v", status, out, tt.status, tt.code)
			}
		})
	}
	if h.AgentMessages.Len() != 0 || h.EndReason() != "" {
		t.Errorf("agent's messages %v, end reason %q, want none", h.AgentMessages.All(), h.EndReason())
	}
}
