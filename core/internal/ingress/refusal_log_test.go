package ingress

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/protocol/pluginpb"
)

// logBuffer is log output. The handler's timers may write while the test reads.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func loggedHandler(t *testing.T, f *fake) (*Handler, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	o := f.options()
	o.Logger = slog.New(slog.NewJSONHandler(log, nil))
	return newHandler(t, o), log
}

func logLines(t *testing.T, log *logBuffer) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}

func TestRefusalsAreLoggedAtALimitedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := loggedHandler(t, &fake{receive: refuses(&pluginpb.Error{Kind: "invalid"})})
		for range 1000 {
			serve(h, request("POST", "/x/hooks/7", "{}"))
		}
		serve(h, request("GET", "/x/hooks/7", "")) // another reason
		time.Sleep(time.Second)                    // the count needs no further refusal
		synctest.Wait()
		if lines := logLines(t, log); len(lines) != linesPerSecond+2 || lines[len(lines)-1]["count"] != 995.0 {
			t.Errorf("after a second: %d lines, the last is %v", len(lines), lines[len(lines)-1])
		}
		serve(h, request("POST", "/x/hooks/7", "{}"))
		var reasons []string
		for _, l := range logLines(t, log) {
			reasons = append(reasons, l["reason"].(string))
			if n, ok := l["count"]; ok && n != 995.0 {
				t.Errorf("%v refusals not logged, want 995", n)
			}
		}
		want := append(slices.Repeat([]string{"invalid"}, linesPerSecond), "method", "invalid", "invalid")
		if diff := cmp.Diff(want, reasons); diff != "" {
			t.Errorf("logged reasons (-want +got):\n%s", diff)
		}
	})
}

func TestLongPathIsAbbreviatedInTheLog(t *testing.T) {
	h, log := loggedHandler(t, &fake{})
	serve(h, request("POST", "/"+strings.Repeat("é", 8000), "{}"))
	path, _ := logLines(t, log)[0]["path"].(string)
	if len(path) > maxLoggedPath+len("…") || !strings.HasSuffix(path, "é…") {
		t.Errorf("path of %d bytes: %q", len(path), path)
	}
}

func TestLogHasNoSecretsAndNoMessageText(t *testing.T) {
	h, log := loggedHandler(t, &fake{receive: refuses(&pluginpb.Error{Kind: "unauthorized", Text: "signature is wrong"})})
	r := request("POST", "/x/hooks/7?token=s3cret", `"my message"`)
	r.Header.Set("Authorization", "Bearer s3cret")
	serve(h, r)
	got := log.String()
	if strings.Contains(got, "s3cret") || strings.Contains(got, "my message") {
		t.Errorf("log contains a secret or message text: %s", got)
	}
	if !strings.Contains(got, "signature is wrong") {
		t.Errorf("log does not contain the reason: %s", got)
	}
}
