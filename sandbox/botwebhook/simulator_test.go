package botwebhook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

// hook is the gateway's webhook. It records the Authorization header and the body of each call.
type hook struct {
	*httptest.Server
	calls simulator.Log[hookCall]
}

type hookCall struct {
	auth string
	body map[string]any
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("webhook body: %v", err)
		}
		h.calls.Append(hookCall{auth: r.Header.Get("Authorization"), body: body})
		io.WriteString(w, `{"code":200,"msg":"success"}`)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) waitForCalls(t *testing.T, n int) []hookCall {
	t.Helper()
	if err := h.calls.Wait(testContext(t), func(c []hookCall) bool { return len(c) >= n }); err != nil {
		t.Fatal(err)
	}
	return h.calls.All()
}

func start(t *testing.T, o Options) *Simulator {
	t.Helper()
	o.APIKey = "app-key"
	s := New(o)
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, s *Simulator, path, key, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("response %q: %v", w.Body, err)
	}
	return w.Code, out
}

func create(t *testing.T, s *Simulator, user string) string {
	t.Helper()
	status, out := call(t, s, "/v1/conversation", "app-key", `{"user_id":"`+user+`"}`)
	id, _ := out["conversation_id"].(string)
	if status != 200 || len(id) != 24 {
		t.Fatalf("create = %d %v, want a conversation id of 24 characters", status, out)
	}
	return id
}

func question(conversation, text string) string {
	return fmt.Sprintf(`{"conversation_id":%q,"response_mode":"webhook","messages":[{"role":"user","content":%q}]}`,
		conversation, text)
}

func TestWebhookCallsByForm(t *testing.T) {
	tests := []struct {
		name string
		form Form
		want map[string]any // without ids and times
	}{
		{"v1", FormV1, map[string]any{"message_type": "ANSWER", "text": "Hello! How can I help you?"}},
		{"flow", FormFlow, map[string]any{"message_type": "ANSWER",
			"flow_output": []any{map[string]any{"content": "Hello! How can I help you?"}}}},
		{"v2", FormV2, map[string]any{"output": []any{map[string]any{
			"from_component_branch": "", "from_component_name": "",
			"content": map[string]any{"text": "Hello! How can I help you?"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHook(t)
			s := start(t, Options{WebhookToken: "wt", Form: tt.form})
			s.SetGateway(h.URL)
			c := create(t, s, "u1")
			if status, out := call(t, s, "/v2/conversation/message", "app-key", question(c, "Hello")); status != 200 {
				t.Fatalf("message = %d %v", status, out)
			}
			got := h.waitForCalls(t, 1)[0]
			if got.auth != "Bearer wt" || got.body["conversation_id"] != c || got.body["message_id"] == "" {
				t.Errorf("webhook call %v", got)
			}
			if created, _ := got.body["create_time"].(float64); created < 1e9 || created > 1e11 {
				t.Errorf("create_time %v, want seconds", got.body["create_time"])
			}
			for _, k := range []string{"conversation_id", "message_id", "create_time", "usage"} {
				delete(got.body, k)
			}
			if diff := cmp.Diff(tt.want, got.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQuestionIsEchoedBeforeTheAnswer(t *testing.T) {
	h := newHook(t)
	s := start(t, Options{EchoQuestions: true})
	s.SetGateway(h.URL)
	c := create(t, s, "u1")
	call(t, s, "/v2/conversation/message", "app-key", question(c, "Where is my order?"))
	var got []string
	for _, c := range h.waitForCalls(t, 2) {
		got = append(got, fmt.Sprintf("%v %v %q", c.body["message_type"], c.body["text"], c.auth))
	}
	want := []string{`QUESTION Where is my order? ""`, `ANSWER You said: Where is my order? ""`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	s := start(t, Options{})
	c := create(t, s, "u1")
	const v1, v2 = "/v1/conversation", "/v2/conversation/message"
	messages := func(list string) string {
		return `{"conversation_id":"` + c + `","response_mode":"webhook","messages":` + list + `}`
	}
	tests := []struct {
		name, path, key, body string
		status                int
		code                  float64
	}{
		{"wrong key", v1, "no", `{"user_id":"u"}`, 401, 40127},
		{"no user", v1, "app-key", `{}`, 400, 40000},
		{"user of 33 characters", v1, "app-key", `{"user_id":"` + strings.Repeat("u", 33) + `"}`, 400, 40000},
		{"unknown conversation", v2, "app-key", question("nope", "x"), 404, 40356},
		{"not JSON", v2, "app-key", `{`, 400, 40000},
		{"no mode", v2, "app-key", `{"conversation_id":"` + c + `","messages":[{"role":"user","content":"x"}]}`, 400, 40000},
		{"unknown role", v2, "app-key", messages(`[{"role":"system","content":"x"}]`), 400, 40000},
		{"no message", v2, "app-key", messages(`[]`), 400, 40000},
		{"newest message is an answer", v2, "app-key",
			messages(`[{"role":"user","content":"x"},{"role":"assistant","content":"x"}]`), 400, 40000},
		{"unknown mode", v2, "app-key", strings.Replace(question(c, "x"), "webhook", "push", 1), 400, 40000},
		{"misspelt member", v2, "app-key", strings.Replace(question(c, "x"), "response_mode", "responseMode", 1), 400, 40000},
		{"data after the object", v2, "app-key", question(c, "x") + "{}", 400, 40000},
		{"array as config", v2, "app-key", strings.Replace(question(c, "x"), "{", `{"conversation_config":[],`, 1), 400, 40000},
		{"text as memory switch", v2, "app-key",
			strings.Replace(question(c, "x"), "{", `{"conversation_config":{"long_term_memory":"on"},`, 1), 400, 40000},
		{"unknown member of config", v2, "app-key",
			strings.Replace(question(c, "x"), "{", `{"conversation_config":{"memory":true},`, 1), 400, 40000},
		{"neither text nor files", "/v1/conversation/message", "app-key",
			`{"conversation_id":"` + c + `","response_mode":"webhook"}`, 400, 40000},
		{"part with a second member", v2, "app-key",
			messages(`[{"role":"user","content":[{"type":"text","text":"x","image":[]}]}]`), 400, 40000},
		{"empty content", v2, "app-key", messages(`[{"role":"user","content":""}]`), 400, 40000},
		{"unknown part", v2, "app-key", messages(`[{"role":"user","content":[{"type":"cat"}]}]`), 400, 40000},
		{"too long", v2, "app-key", question(c, strings.Repeat("x", maxQuestion+1)), 400, 20040},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out := call(t, s, tt.path, tt.key, tt.body)
			if status != tt.status || out["code"] != tt.code || out["message"] == "" {
				t.Errorf("got %d %v, want %d with code %v", status, out, tt.status, tt.code)
			}
		})
	}
	if asked, refused := s.SendCalls.Len(), s.Problems.Len(); asked != 0 || refused != len(tests) {
		t.Errorf("%d calls accepted and %d refused, want none and %d", asked, refused, len(tests))
	}
}

func TestPartsAndEarlierMessagesAreParsed(t *testing.T) {
	h := newHook(t)
	s := start(t, Options{})
	s.SetGateway(h.URL)
	c := create(t, s, "u1")
	body := `{"conversation_id":"` + c + `","response_mode":"webhook","messages":[
		{"role":"user","content":"old"},{"role":"assistant","content":"answer"},
		{"role":"user","content":[{"type":"text","text":"see"},
			{"type":"image","image":[{"url":"https://x/y.png","format":"png","name":"y"}]},
			{"type":"audio","audio":[{"base64_content":"AA==","format":"mp3"}]}]}],
		"conversation_config":{"short_term_memory":false,"knowledge":{"data_ids":["d"],"group_ids":[]},
			"custom_variables":{"tier":"gold"}}}`
	if status, out := call(t, s, "/v2/conversation/message", "app-key", body); status != 200 {
		t.Fatalf("message = %d %v", status, out)
	}
	asked := s.SendCalls.Select(func(a SendCall) bool { return a.Conversation.ID == c })
	if len(asked) != 1 {
		t.Fatalf("asked %d times, want once", len(asked))
	}
	want := []Message{
		{Role: "user", Text: "old"}, {Role: "assistant", Text: "answer"},
		{Role: "user", Text: "see", Media: []Media{
			{Kind: "image", URL: "https://x/y.png", Format: "png", Name: "y"},
			{Kind: "audio", Data: []byte{0}, Format: "mp3"},
		}},
	}
	if diff := cmp.Diff(want, asked[0].Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if got := h.waitForCalls(t, 1)[0].body["text"]; got != "You said: see" {
		t.Errorf("answer %v", got)
	}
}

func TestBlockingAnswersInTheCall(t *testing.T) {
	s := start(t, Options{})
	c := create(t, s, "u1")
	body := strings.Replace(question(c, "hi"), "webhook", "blocking", 1)
	status, out := call(t, s, "/v2/conversation/message", "app-key", body)
	items, _ := out["output"].([]any)
	if status != 200 || len(items) != 1 || out["conversation_id"] != c {
		t.Errorf("got %d %v, want one output", status, out)
	}
	if n := s.Outcomes.Len(); n != 0 {
		t.Errorf("%d webhook calls in blocking mode, want none", n)
	}
}

func TestLateAnswer(t *testing.T) {
	h := newHook(t)
	s := start(t, Options{WebhookToken: "wt", WebhookScheme: "Basic"})
	s.SetGateway(h.URL)
	c := create(t, s, "u1")
	if err := s.Answer(c, Answer{Text: "late", MessageID: "m1"}); err != nil {
		t.Fatal(err)
	}
	if got := h.waitForCalls(t, 1)[0]; got.auth != "Basic wt" || got.body["message_id"] != "m1" {
		t.Errorf("late answer %v", got)
	}
	if err := s.Answer("nope", Answer{Text: "late"}); err == nil {
		t.Error("Answer succeeded in an unknown conversation")
	}
}

func TestFaults(t *testing.T) {
	h := newHook(t)
	once := simulator.Retry{Attempts: 2, First: time.Millisecond}
	s := start(t, Options{WebhookToken: "wt", Retry: once})
	s.SetGateway(h.URL)
	s.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: EndpointCreate, Count: 1})
	status, out := call(t, s, "/v1/conversation", "app-key", `{"user_id":"u"}`)
	if status != 401 || out["code"] != 40127.0 {
		t.Errorf("expired token: %d %v, want 401 with 40127", status, out)
	}
	c := create(t, s, "u1")
	s.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: EndpointPush, Count: 1})
	s.Faults.Add(simulator.Fault{Kind: simulator.Duplicate, Endpoint: EndpointPush, Count: 1})
	for _, text := range []string{"one", "two"} {
		if err := s.Answer(c, Answer{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, c := range h.waitForCalls(t, 3) {
		got = append(got, fmt.Sprint(c.body["text"], " ", c.auth))
	}
	if diff := cmp.Diff([]string{"one Bearer wrong-wt", "two Bearer wt", "two Bearer wt"}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
