package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/cli"
)

// stopWriter calls stop at the first write.
type stopWriter struct {
	bytes.Buffer
	stop func()
}

func (w *stopWriter) Write(p []byte) (int, error) {
	w.stop()
	return w.Buffer.Write(p)
}

// TestStoppedCommands interrupts commands.
func TestStoppedCommands(t *testing.T) {
	const unanswered = "stopped before the gateway at ADDRESS responded"
	for name, tc := range map[string]struct {
		command string
		at      int // the request without a response, during which the command is stopped; 0: at its first output
		want    string
	}{
		"a read":             {"channel list", 1, unanswered},
		"a command":          {"reload", 1, unanswered + "; it may carry out the command"},
		"one of replays":     {"dead replay d1 d2 --rate 100", 1, unanswered + "; it may carry out the command"},
		"the start of drain": {"drain", 1, unanswered + "; it may carry out the command"},
		"the wait of drain":  {"drain", 0, "stopped; the gateway goes on draining"},
		"a check of drain":   {"drain", 2, "stopped; the gateway goes on draining"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // the server notices the end of the connection after the body
				if requests++; requests == tc.at {
					stop()
					<-r.Context().Done()
				}
				_ = json.NewEncoder(w).Encode(admin.DrainStatus{Draining: true})
			}))
			defer server.Close()
			stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			stdout := &stopWriter{stop: func() {}}
			if tc.at == 0 {
				stdout.stop = stop
			}
			address := strings.TrimPrefix(server.URL, "http://")
			code := cli.Main(ctx, cli.Process{
				Args: append(strings.Fields(tc.command), "--admin", address), Stdout: stdout, Stderr: stderr, Unhook: func() {},
			})
			printed, _ := os.ReadFile(stderr.Name())
			want := "patchbay: " + strings.ReplaceAll(tc.want, "ADDRESS", address) + "\n"
			if code != 1 || string(printed) != want || strings.Contains(stdout.String(), "drained") {
				t.Errorf("code %d, stderr %q, stdout %q; want 1 and %q", code, printed, stdout.String(), want)
			}
		})
	}
}
