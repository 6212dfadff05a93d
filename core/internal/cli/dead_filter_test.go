package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/cli"
	"patchbay/core/internal/trail"
)

// deadLetterAPI is an admin API with dead letters. It records which of them are replayed.
type deadLetterAPI struct {
	list     []trail.DeadLetter
	replayed []string
}

func (a *deadLetterAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		var list []trail.DeadLetter
		for _, d := range a.list {
			if c := r.URL.Query().Get("channel"); c == "" || c == d.Channel {
				list = append(list, d)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"dead_letters": list})
		return
	}
	id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/dead-letters/"), "/replay")
	a.replayed = append(a.replayed, id)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "replayed"})
}

// TestDocumentedReasonsSelect checks that --reason accepts each reason in operations.md.
func TestDocumentedReasonsSelect(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| reason | cause | remedy |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	server := httptest.NewServer(&deadLetterAPI{})
	defer server.Close()
	reasons := 0
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for reason := range strings.SplitSeq(cell, ",") {
			reason = strings.Trim(reason, " `")
			args := []string{"dead", "list", "--admin", strings.TrimPrefix(server.URL, "http://"), "--reason", reason}
			var stdout bytes.Buffer
			p := cli.Process{Args: args, Stdout: &stdout, Stderr: os.Stderr, Unhook: func() {}}
			if code := cli.Main(t.Context(), p); code != 0 || stdout.String() != "no dead letters\n" {
				t.Errorf("--reason %s: code %d, stdout %q", reason, code, stdout.String())
			}
			reasons++
		}
	}
	if reasons < 15 {
		t.Errorf("operations.md has only %d reasons", reasons)
	}
}

func TestReplayOfChosenDeadLetters(t *testing.T) {
	now := time.Now()
	list := []trail.DeadLetter{
		{ID: "a", Channel: "faq", Error: "transient", DeadAt: now.Add(-3 * time.Hour)},
		{ID: "b", Channel: "faq", Error: "permanent", DeadAt: now.Add(-2 * time.Hour)},
		{ID: "c", Channel: "desk", Error: "transient", DeadAt: now.Add(-time.Hour)},
		{ID: "d", Channel: "faq", Error: "transient", DeadAt: now.Add(-time.Minute)},
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		want []string
		err  string
	}{
		"channel":              {[]string{"--channel", "faq"}, 0, []string{"a", "b", "d"}, ""},
		"reason":               {[]string{"--reason", "transient"}, 0, []string{"a", "c", "d"}, ""},
		"age":                  {[]string{"--since", "90m"}, 0, []string{"c", "d"}, ""},
		"time and channel":     {[]string{"--since", now.Add(-150 * time.Minute).Format(time.RFC3339), "--channel", "faq"}, 0, []string{"b", "d"}, ""},
		"ids":                  {[]string{"b", "c"}, 0, []string{"b", "c"}, ""},
		"none":                 {nil, 2, nil, "give either IDs, or at least one of --channel"},
		"ids and a filter":     {[]string{"a", "--channel", "faq"}, 2, nil, "give either IDs, or"},
		"wrong time":           {[]string{"--since", "yesterday"}, 2, nil, `--since "yesterday": want an age such as 90m`},
		"rate of 0":            {[]string{"a", "--rate", "0"}, 2, nil, "--rate 0: must be more than 0"},
		"nothing of that kind": {[]string{"--reason", "gone"}, 0, nil, ""},
		"unknown kind": {[]string{"--reason", "pemanent"}, 2, nil, `--reason "pemanent": no kind of error has this name; the ` +
			"kinds are declined, gone, invalid, killed_adapter, overflow, panicked, permanent, throttled, transient, " +
			"unauthorized, unavailable, unconfigured, undecided, unknown, unreadable, unsupported\n"},
	} {
		t.Run(name, func(t *testing.T) {
			api := &deadLetterAPI{list: list}
			server := httptest.NewServer(api)
			defer server.Close()
			stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			args := append([]string{"dead", "replay", "--admin", strings.TrimPrefix(server.URL, "http://")}, tc.args...)
			var stdout bytes.Buffer
			code := cli.Main(t.Context(), cli.Process{Args: args, Stdout: &stdout, Stderr: stderr, Unhook: func() {}})
			printed, _ := os.ReadFile(stderr.Name())
			if code != tc.code || !strings.Contains(string(printed), tc.err) {
				t.Errorf("code %d, stderr %s; want %d with %q", code, printed, tc.code, tc.err)
			}
			if diff := cmp.Diff(tc.want, api.replayed); diff != "" {
				t.Errorf("replayed (-want +got):\n%s", diff)
			}
		})
	}
}
