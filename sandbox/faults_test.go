package main

import (
	"strings"
	"testing"
)

func TestFaultsAreAddedAndCleared(t *testing.T) {
	s := serve(t, 200)
	create := func() int {
		resp, _ := do(t, "POST", s.URL()+"/gptbots/v1/conversation", `{"user_id":"u"}`,
			map[string]string{
				"Authorization": "Bearer sandbox-gptbots-api-key", "Content-Type": "application/json"})
		return resp.StatusCode
	}
	order := `{"vendor":"gptbots","endpoint":"create","kind":"status","status":429,"retry_after":"2s"}`
	if resp, body := do(t, "POST", s.URL()+"/faults", order, nil); resp.StatusCode != 200 {
		t.Fatalf("order: %d %s", resp.StatusCode, body)
	}
	if got := create(); got != 429 {
		t.Errorf("status %d with a fault, want 429", got)
	}
	if resp, body := do(t, "POST", s.URL()+"/faults", `{"vendor":"gptbots","endpoint":"message","kind":"refuse","code":20022,"count":1}`, nil); resp.StatusCode != 200 {
		t.Fatalf("order: %d %s", resp.StatusCode, body)
	}
	_, body := do(t, "POST", s.URL()+"/gptbots/v2/conversation/message", `{}`,
		map[string]string{"Authorization": "Bearer sandbox-gptbots-api-key", "Content-Type": "application/json"})
	if !strings.Contains(body, "20022") {
		t.Errorf("answer %s, want code 20022", body)
	}
	if resp, _ := do(t, "DELETE", s.URL()+"/faults", "", nil); resp.StatusCode != 200 {
		t.Fatalf("clear: %d", resp.StatusCode)
	}
	if got := create(); got != 200 {
		t.Errorf("status %d after clearing, want 200", got)
	}
}

func TestInvalidFaultsAreRefused(t *testing.T) {
	s := serve(t, 200)
	tests := []struct{ name, body, want string }{
		{"unknown vendor", `{"vendor":"acme","kind":"slow"}`, "livechat, gptbots or aicc"},
		{"unknown kind", `{"vendor":"aicc","kind":"sleepy"}`, "sleepy"},
		{"unknown field", `{"vendor":"aicc","kind":"slow","delai":"1s"}`, "delai"},
		{"no time", `{"vendor":"aicc","kind":"slow","delay":"soon"}`, "delay"},
		{"no status", `{"vendor":"aicc","kind":"status","status":42}`, "42"},
		{"no JSON", `kind=slow`, "JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := do(t, "POST", s.URL()+"/faults", tt.body, nil)
			if resp.StatusCode != 400 || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s, want 400 about %s", resp.StatusCode, body, tt.want)
			}
		})
	}
}
