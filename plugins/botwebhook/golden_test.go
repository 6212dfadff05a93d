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

// TestReceiveGolden translates every example in testdata/in.
func TestReceiveGolden(t *testing.T) {
	a := configured(t, agent("https://api-sg.gptbots.ai"), nil)
	eachExample(t, "testdata/in", func(t *testing.T, body []byte) []byte {
		got, err := a.Receive(t.Context(), request(string(body)))
		if err != nil {
			t.Fatalf("Receive: %v", err)
		}
		for _, e := range got.Envelopes {
			if err := e.Validate(); err != nil {
				t.Errorf("envelope is not valid: %v", err)
			}
		}
		out, err := json.MarshalIndent(struct {
			Answer    string               `json:"answer"`
			Envelopes []*envelope.Envelope `json:"envelopes"`
		}{
			fmt.Sprintf("%d %s %s", got.Answer.Status, got.Answer.ContentType, got.Answer.Body),
			got.Envelopes,
		}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return append(out, '\n')
	})
}

// example is a delivery or an opening, and what the vendor answers.
type example struct {
	Thread   string               `json:"thread"`
	Envelope *envelope.Envelope   `json:"envelope"`
	History  []*envelope.Envelope `json:"history"`
	Opening  *struct {
		CustomerID string `json:"customer_id"`
		Offer      bool   `json:"offer"`
	} `json:"opening"`
	Answer struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	} `json:"answer"`
}

// TestDeliverGolden sends every delivery in testdata/out and compares the call that the vendor sees.
func TestDeliverGolden(t *testing.T) {
	var seen bytes.Buffer
	var ex example
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeCall(&seen, r)
		w.WriteHeader(ex.Answer.Status)
		_, _ = io.WriteString(w, ex.Answer.Body)
	}))
	defer srv.Close()
	a := configured(t, agent(srv.URL+"/base/"), srv.Client())
	eachExample(t, "testdata/out", func(t *testing.T, content []byte) []byte {
		seen.Reset()
		ex = example{}
		if err := json.Unmarshal(content, &ex); err != nil {
			t.Fatal(err)
		}
		if ex.Opening != nil {
			got, err := a.Open(t.Context(),
				&sdk.Opening{Channel: "faq", CustomerID: ex.Opening.CustomerID, Offer: ex.Opening.Offer})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			fmt.Fprintf(&seen, "\nthread: %q, accepted: %v\n", got.Thread, got.Accepted)
			return bytes.Clone(seen.Bytes())
		}
		got, err := a.Deliver(t.Context(), &sdk.Delivery{
			Channel: "faq", Thread: ex.Thread, Attempt: 1, Envelope: ex.Envelope, History: ex.History})
		if err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		fmt.Fprintf(&seen, "\nvendor id: %q, degraded: %q\n", got.VendorID, got.Degraded)
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
func eachExample(t *testing.T, folder string, translate func(t *testing.T, example []byte) []byte) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples in %s (%v)", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			example, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := translate(t, example)
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
