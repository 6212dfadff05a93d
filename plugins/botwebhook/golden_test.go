package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestReceiveGolden translates every example in testdata/in. Those whose names begin with a call of the hand-off are such
// calls; the others are for the message webhook.
func TestReceiveGolden(t *testing.T) {
	agent, handoff := configured(t, agent("https://api-sg.gptbots.ai"), nil), handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	calls := map[string]string{"establish": establishCall, "chat": chatCall, "close": closeCall}
	eachExample(t, "testdata/in", func(t *testing.T, name string, body []byte) []byte {
		a, req := agent, request(string(body))
		first, _, _ := strings.Cut(name, "-")
		if call, ok := calls[first]; ok {
			a, req = handoff, handoffRequest(call, string(body))
		}
		got, err := a.Receive(t.Context(), req)
		if err != nil {
			t.Fatalf("Receive: %v", err)
		}
		return indented(t, struct {
			Answer    string               `json:"answer"`
			Envelopes []*envelope.Envelope `json:"envelopes"`
		}{
			fmt.Sprintf("%d %s %s", got.Answer.Status, got.Answer.ContentType, got.Answer.Body), valid(t, got.Envelopes),
		})
	})
}

// valid checks what an adapter made.
func valid(t *testing.T, envelopes []*envelope.Envelope) []*envelope.Envelope {
	t.Helper()
	for _, e := range envelopes {
		if err := e.Validate(); err != nil {
			t.Errorf("envelope is not valid: %v", err)
		}
	}
	return envelopes
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// example is a delivery or an opening, and what the vendor answers.
type example struct {
	Role     envelope.Role              `json:"role"`     // bot if absent
	Settings map[string]json.RawMessage `json:"settings"` // beside addresses and secrets
	Thread   string                     `json:"thread"`
	Envelope *envelope.Envelope         `json:"envelope"`
	History  []*envelope.Envelope       `json:"history"`
	Media    []*struct {
		ContentType string `json:"content_type"`
		Name        string `json:"name"`
		Content     string `json:"content"`
	} `json:"media"`
	Opening *struct {
		CustomerID string `json:"customer_id"`
		Offer      bool   `json:"offer"`
	} `json:"opening"`
	Answer struct {
		Status      int      `json:"status"`
		ContentType string   `json:"content_type"`
		Body        string   `json:"body"`
		Lines       []string `json:"lines"` // of a body that is easier to read in lines
	} `json:"answer"`
}

func (ex *example) configured(t *testing.T, srv *httptest.Server) *adapter {
	t.Helper()
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(agent(srv.URL+"/base/")), &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range ex.Settings {
		all[name] = value
	}
	role := ex.Role
	if role == "" {
		role = envelope.RoleBot
	}
	return inRole(t, role, string(indented(t, all)), srv.Client())
}

func (ex *example) delivery() *sdk.Delivery {
	d := &sdk.Delivery{Channel: "faq", Thread: ex.Thread, Attempt: 1, Envelope: ex.Envelope, History: ex.History}
	for _, m := range ex.Media {
		var a *sdk.Attachment
		if m != nil {
			a = sdk.NewAttachment(m.ContentType, m.Name, []byte(m.Content))
		}
		d.Media = append(d.Media, a)
	}
	return d
}

// TestDeliverGolden sends every delivery in testdata/out and compares the call that the vendor sees, and what comes back.
func TestDeliverGolden(t *testing.T) {
	var seen bytes.Buffer
	var ex example
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeCall(&seen, r)
		if ex.Answer.ContentType != "" {
			w.Header().Set("Content-Type", ex.Answer.ContentType)
		}
		w.WriteHeader(ex.Answer.Status)
		_, _ = io.WriteString(w, ex.Answer.Body+strings.Join(ex.Answer.Lines, "\n"))
	}))
	defer srv.Close()
	eachExample(t, "testdata/out", func(t *testing.T, _ string, content []byte) []byte {
		seen.Reset()
		ex = example{}
		if err := json.Unmarshal(content, &ex); err != nil {
			t.Fatal(err)
		}
		a := ex.configured(t, srv)
		if ex.Opening != nil {
			got, err := a.Open(t.Context(),
				&sdk.OpenRequest{Channel: "faq", CustomerID: ex.Opening.CustomerID, Offer: ex.Opening.Offer})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			fmt.Fprintf(&seen, "\nthread: %q, accepted: %v\n", got.Thread, got.Accepted)
			return bytes.Clone(seen.Bytes())
		}
		got, err := a.Deliver(t.Context(), ex.delivery())
		if err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		fmt.Fprintf(&seen, "\nvendor id: %q, degraded: %q\n", got.VendorID, got.Degraded)
		if len(got.Replies) > 0 {
			fmt.Fprintf(&seen, "\nreplies: %s", indented(t, valid(t, got.Replies)))
		}
		return bytes.Clone(seen.Bytes())
	})
}

// writeCall writes a request as text, without the headers of the transport, secrets replaced.
func writeCall(w io.Writer, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.RequestURI)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		switch name {
		case "User-Agent", "Accept-Encoding", "Content-Length":
		default:
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		value := strings.Join(r.Header[name], " | ")
		value = strings.ReplaceAll(value, testKey, "(API key)")
		fmt.Fprintf(w, "%s: %s\n", name, value)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fmt.Fprintf(w, "\nbody: %v\n", err)
		return
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		indented.Write(body)
	}
	fmt.Fprintf(w, "\n%s\n", indented.Bytes())
}

// eachExample runs translate on every .json file of a folder and compares with the .golden file beside it.
func eachExample(t *testing.T, folder string, translate func(t *testing.T, name string, example []byte) []byte) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples in %s (%v)", folder, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			example, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := translate(t, name, example)
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if errors.Is(err, os.ErrNotExist) {
				t.Fatalf("%s is missing; look at the output and write it with -update:\n%s", golden, got)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}
