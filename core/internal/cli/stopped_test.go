package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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

// TestStoppedCommands stops commands at different points of their requests and output.
func TestStoppedCommands(t *testing.T) {
	const unanswered = "stopped before the gateway at ADDRESS responded"
	const unfinished = "stopped before the command was finished"
	const minimal = `
adapters: {native: {command: native}}
channels: {web: {adapter: native, role: customer, owner: faq}, faq: {adapter: native, role: bot}}
`
	for name, tc := range map[string]struct {
		command string
		at      int // the request during which the command is stopped; 0: at its first output; -1: during its response
		want    string
	}{
		"a read":             {"channel list", 1, unanswered},
		"a command":          {"reload", 1, unanswered + "; it may carry out the command"},
		"one of replays":     {"dead replay d1 d2 --rate 100", 1, unanswered + "; it may carry out the command"},
		"the start of drain": {"drain", 1, unanswered + "; it may carry out the command"},
		"the wait of drain":  {"drain", 0, "stopped; the gateway goes on draining"},
		"a check of drain":   {"drain", 2, "stopped; the gateway goes on draining"},
		"a long read":        {"channel list", -1, unfinished},
		"a backup":           {"backup b.zip", -1, unfinished},
		"an explanation":     {"explain 01a22be6-91a7-71d7-89b2-f49d4533c9d5 -c a.yaml", -1, unfinished},
		"a comparison":       {"diff a.yaml a.yaml", -1, unfinished},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // the server notices the end of the connection after the body
				if tc.at < 0 {
					_, _ = w.Write(bytes.Repeat([]byte(" "), 16<<20)) // more than the buffers of the connection
				}
				if requests++; requests == tc.at || tc.at < 0 {
					stop()
					<-r.Context().Done()
				}
				_ = json.NewEncoder(w).Encode(admin.DrainStatus{Draining: true})
			}))
			defer server.Close()
			t.Chdir(t.TempDir())
			stderr, err := os.Create("stderr")
			if err == nil {
				err = os.WriteFile("a.yaml", []byte(minimal), 0o600)
			}
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
