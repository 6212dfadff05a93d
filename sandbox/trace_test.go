package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// traceServer serves the nth response to the nth call, and the last response to all later calls. calls counts the
// calls.
func traceServer(t *testing.T, answers ...[]byte) (admin string, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/trace" || r.URL.Query().Get("id") == "" {
			http.Error(w, "unexpected "+r.URL.String(), http.StatusBadRequest)
			return
		}
		n := int(calls.Add(1))
		_, _ = w.Write(answers[min(n, len(answers))-1])
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), calls
}

// idOf returns the message id in a response of the API.
func idOf(t *testing.T, answer []byte) string {
	t.Helper()
	var a struct{ ID string }
	if err := json.Unmarshal(answer, &a); err != nil || a.ID == "" {
		t.Fatalf("id of the response: %q, %v", a.ID, err)
	}
	return a.ID
}

func TestTracePrintsTheStepsOfOneMessage(t *testing.T) {
	files, err := filepath.Glob("testdata/trace/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no responses in testdata/trace: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			answer, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			admin, _ := traceServer(t, answer)
			var out bytes.Buffer
			if err := printTrace(t.Context(), &out, admin, idOf(t, answer)); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// The response for a message with one delivery is traceHead with pendingDelivery or endedDelivery.
const (
	traceHead = `{"id": "m-1", "conversations": [{"id": "c", "live": true, "entries": [
		{"at": "2026-11-22T07:00:00Z", "seq": 2, "step": "accepted", "channel": "livechat", "envelope": "e-1", "vendor_id": "m-1"},
		{"at": "2026-11-22T07:00:00Z", "seq": 2, "step": "queued", "channel": "faq", "envelope": "e-1", "kind": "send", "delivery": "d-1"}`
	pendingDelivery = `], "pending": [{"delivery": "d-1", "channel": "faq", "reason": "in flight"}]}]}`
	endedDelivery   = `,{"at": "2026-11-22T07:00:00.5Z", "seq": 3, "step": "delivered", "channel": "faq", "delivery": "d-1"}]}]}`
)

func TestTraceWaitsForDeliveries(t *testing.T) {
	admin, calls := traceServer(t, []byte(traceHead+pendingDelivery), []byte(traceHead+pendingDelivery), []byte(traceHead+endedDelivery))
	var out bytes.Buffer
	if err := printTrace(t.Context(), &out, admin, "m-1"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "+500.0 ms delivered faq\n") || calls.Load() != 3 {
		t.Errorf("%d calls, printed:\n%s", calls.Load(), out.String())
	}
}

func TestTraceShowsPendingDeliveries(t *testing.T) {
	admin, _ := traceServer(t, []byte(traceHead+pendingDelivery))
	var out bytes.Buffer
	if err := printTrace(t.Context(), &out, admin, "m-1"); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "pending for faq\n") {
		t.Errorf("printed:\n%s", out.String())
	}
}

func TestTraceOfAnUnknownMessage(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	var out bytes.Buffer
	err := printTrace(testContext(t), &out, strings.TrimPrefix(srv.URL, "http://"), "m 1")
	if !errors.Is(err, errNoTrace) || out.Len() > 0 {
		t.Errorf("printed %q, %v, want nothing, %v", out.String(), err, errNoTrace)
	}
}
