// Package golden runs the adapters' golden tests: each input file x.json has its expected output in x.golden.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Update is the flag -update: Run writes the golden files instead of comparing them.
var Update = flag.Bool("update", false, "rewrite the golden files")

// Run runs convert for each .json file in dir, as a subtest with the file's name, and compares the output with its
// golden file.
func Run(t *testing.T, dir string, convert func(t *testing.T, name string, input []byte) []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no inputs in %s: %v", dir, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.TrimSuffix(file, ".json")+".golden", convert(t, name, input))
		})
	}
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *Update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read the golden file (write it with -update): %v", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// Inputs returns the contents of the files that match a pattern. The test fails if no file matches.
func Inputs(t testing.TB, pattern string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	var inputs [][]byte
	for _, file := range files {
		input, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, input)
	}
	return inputs
}

// JSON returns v as indented JSON.
func JSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// Valid fails the test for each envelope that is not valid, and returns them all.
func Valid(t *testing.T, envelopes []*envelope.Envelope) []*envelope.Envelope {
	t.Helper()
	for _, e := range envelopes {
		if err := e.Validate(); err != nil {
			t.Errorf("invalid envelope: %v", err)
		}
	}
	return envelopes
}

// Declared fails the test for each attribute or reason of the envelopes that rules can read and d does not declare. It
// returns the envelopes.
func Declared(t *testing.T, d sdk.Description, envelopes []*envelope.Envelope) []*envelope.Envelope {
	t.Helper()
	for _, e := range envelopes {
		for name := range e.Attributes {
			if _, declared := d.Attributes[name]; strings.Contains(name, ".") && !declared {
				t.Errorf("attribute %s is not declared", name)
			}
		}
		reason := e.Attributes["reason"]
		_, declared := d.EventReasons[reason]
		if _, any := d.EventReasons[sdk.AnyReason]; reason != "" && !declared && !any {
			t.Errorf("reason %s of %s is not declared", reason, e.Kind)
		}
	}
	return envelopes
}

// WriteRequest writes a request as text: request line, sorted header without the transport's fields, and body, indented
// if it is JSON. Each key of secrets is replaced by its value.
func WriteRequest(w io.Writer, r *http.Request, secrets map[string]string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.RequestURI)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "User-Agent", "Accept-Encoding", "Content-Length":
		default:
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], " | "))
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = fmt.Appendf(nil, "read body: %v", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		indented.Reset()
		indented.Write(body)
	}
	fmt.Fprintf(&b, "\n%s\n", indented.Bytes())
	text := b.String()
	for secret, name := range secrets {
		text = strings.ReplaceAll(text, secret, name)
	}
	_, _ = io.WriteString(w, text)
}
