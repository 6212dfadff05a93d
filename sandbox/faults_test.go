package main

import (
	"os"
	"regexp"
	"slices"
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
	fault := `{"vendor":"gptbots","endpoint":"create","kind":"status","status":429,"retry_after":"2s"}`
	if resp, body := do(t, "POST", s.URL()+"/faults", fault, nil); resp.StatusCode != 200 {
		t.Fatalf("add fault: %d %s", resp.StatusCode, body)
	}
	if got := create(); got != 429 {
		t.Errorf("status %d with a fault, want 429", got)
	}
	if resp, body := do(t, "POST", s.URL()+"/faults", `{"vendor":"gptbots","endpoint":"message","kind":"refuse","code":20022,"count":1}`, nil); resp.StatusCode != 200 {
		t.Fatalf("add fault: %d %s", resp.StatusCode, body)
	}
	_, body := do(t, "POST", s.URL()+"/gptbots/v2/conversation/message", `{}`,
		map[string]string{"Authorization": "Bearer sandbox-gptbots-api-key", "Content-Type": "application/json"})
	if !strings.Contains(body, "20022") {
		t.Errorf("response %s, want code 20022", body)
	}
	if resp, _ := do(t, "DELETE", s.URL()+"/faults", "", nil); resp.StatusCode != 200 {
		t.Fatalf("clear faults: %d", resp.StatusCode)
	}
	if got := create(); got != 200 {
		t.Errorf("status %d after the faults were cleared, want 200", got)
	}
}

func TestInvalidFaultsAreRefused(t *testing.T) {
	s := serve(t, 200)
	tests := []struct{ name, body, want string }{
		{"unknown vendor", `{"vendor":"acme","kind":"slow"}`, "livechat, gptbots or aicc"},
		{"unknown kind", `{"vendor":"aicc","kind":"sleepy"}`, "sleepy"},
		{"unknown endpoint", `{"vendor":"aicc","endpoint":"message","kind":"slow"}`, "aicc has tokenByAkSk, applyToken"},
		{"endpoint of another vendor", `{"vendor":"livechat","endpoint":"push","kind":"slow"}`, "livechat has reply, file, say"},
		{"webhook fault at an endpoint", `{"vendor":"aicc","endpoint":"send","kind":"duplicate"}`, "not possible at send"},
		{"endpoint fault in a webhook call", `{"vendor":"gptbots","endpoint":"push","kind":"refuse"}`, "not possible in push"},
		{"reorder in say of livechat", `{"vendor":"livechat","endpoint":"say","kind":"reorder"}`, "not possible in say"},
		{"reorder for all calls of livechat", `{"vendor":"livechat","kind":"reorder"}`, "not possible in say"},
		{"unknown field", `{"vendor":"aicc","kind":"slow","delai":"1s"}`, "delai"},
		{"invalid duration", `{"vendor":"aicc","kind":"slow","delay":"soon"}`, "delay"},
		{"invalid status", `{"vendor":"aicc","kind":"status","status":42}`, "42"},
		{"not JSON", `kind=slow`, "JSON"},
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

// This test compares the table in README.md with the endpoints and calls that POST /faults accepts.
func TestReadmeListsTheEndpoints(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([A-Za-z]+)`")
	for vendor, points := range faultPointsOf {
		_, row, _ := strings.Cut(string(readme), "\n| `"+vendor+"` |")
		row, _, _ = strings.Cut(row, "\n")
		var got []string
		for _, m := range name.FindAllStringSubmatch(row, -1) {
			got = append(got, m[1])
		}
		if want := slices.Concat(points.endpoints, points.calls); !slices.Equal(got, want) {
			t.Errorf("%s: README has %v, want %v", vendor, got, want)
		}
	}
}
