package botwebhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzCalls checks that each call is accepted, or refused with an error that is not the internal error.
func FuzzCalls(f *testing.F) {
	paths := []string{
		"/v1/conversation", "/v1/conversation/message", "/v2/conversation/message", "/v1/human/message/receive", "/v1/human/close",
	}
	for _, body := range []string{
		`{"user_id":"u"}`, `{}`, `null`, `[]`, `{"conversation_id":"c","response_mode":"blocking","text":"x","files":[{"url":"http://x"}]}`,
		`{"conversation_id":"c","response_mode":"streaming","messages":[{"role":"user","content":"x"}]}`,
		`{"conversation_id":"c","response_mode":"blocking","messages":[{"role":"user","content":[{"type":"text","text":"x"},` +
			`{"type":"image","image":{"base64_content":"AA==","format":"png"}}]}],"conversation_config":{"knowledge":{"data_ids":[]}}}`,
		`{"conversation_id":"h","timestamp":1742265090895,"body":"x"}`,
	} {
		for i := range paths {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, path int, body string) {
		s := New(Options{APIKey: "app-key"})
		defer s.Close()
		s.conversations.Put("c", Conversation{ID: "c"})
		s.handoffs.Put("h", &Handoff{ID: "h", s: s})
		r := httptest.NewRequest(http.MethodPost, paths[uint(path)%uint(len(paths))], strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer app-key")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code == 200 {
			return
		}
		var e apiError
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == 0 || e.Code == 50000 || e.Message == "" {
			t.Errorf("response of %s: %d %s", r.URL, w.Code, w.Body)
		}
	})
}
