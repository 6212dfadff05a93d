package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// post sends a webhook to the hostile adapter.
func post(t *testing.T, s *system, body string) (status int, response string) {
	t.Helper()
	ctx := harness.TestContext(t)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Public+"/hostile", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// The vendor repeats a webhook that makes the adapter crash. Only this webhook is refused.
func TestOnlyTheCrashingWebhookIsRefused(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, hostileBot(t))
	for range 5 {
		if status, body := post(t, s, "/crash"); status != 422 || body != `{"error":"the message cannot be processed"}` {
			t.Errorf("the webhook with the crash: %d %s, want 422 in the vendor's format", status, body)
		}
		if status, body := post(t, s, "an answer"); status != 200 {
			t.Errorf("another webhook: %d %s, want 200", status, body)
		}
	}
	if n := s.Metric(t, "patchbay_adapter_restarts_total", "adapter", "botwebhook"); n != 2 {
		t.Errorf("%v restarts, want 2", n)
	}
	list := s.Run(t, "dead", "list", "--channel", "faq", "-o", "json")
	var letters []struct{ ID, Error string }
	if err := json.Unmarshal([]byte(list.Stdout), &letters); err != nil || len(letters) != 1 ||
		letters[0].Error != "killed_adapter" {
		t.Fatalf("dead letters: %v\n%s%s", err, list.Stdout, list.Stderr)
	}
	id := letters[0].ID
	if shown := s.Run(t, "trace", "--text", id); !strings.Contains(shown.Stdout, "/crash") {
		t.Errorf("trace --text does not show the body:\n%s%s", shown.Stdout, shown.Stderr)
	}
	if replayed := s.Run(t, "dead", "replay", id); !strings.Contains(replayed.Stderr, "let the vendor send it again") {
		t.Errorf("replay: code %d\n%s%s", replayed.Code, replayed.Stdout, replayed.Stderr)
	}
	s.say(t, "ann", "/reply")
	s.expect(t, "ann", "bot", "hello")
}
