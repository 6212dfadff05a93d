// Package examples runs the conversation tests in docs/examples with the built gateway, the built adapters and
// simulated vendors.
package examples

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/core/conversationtest"
	"patchbay/test/harness"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil { // the tests mostly wait, some of them for a minute
		panic(err)
	}
	os.Exit(harness.Main(m))
}

// TestExamplesWithBuiltPrograms skips the rest of a test at a step that takes long or that the simulators do not
// support. The tests in test/docs run all steps, in virtual time. Opening hours are replaced by hours around the
// present.
func TestExamplesWithBuiltPrograms(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*" + conversationtest.Suffix)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Errorf("%d files with conversation tests, want at least 10", len(files))
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, problems := conversationtest.Parse(path, data)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for i := range file.Tests {
			test := withVisibleExpectations(&file.Tests[i])
			t.Run(strings.TrimSuffix(filepath.Base(path), conversationtest.Suffix)+"/"+test.Name, func(t *testing.T) {
				t.Parallel()
				runExample(t, file.Config, test)
			})
		}
	}
}

// withVisibleExpectations returns a test without the expectations that the simulators cannot check: events, and the
// history, which a desk gets as a transcript.
func withVisibleExpectations(test *conversationtest.Test) *conversationtest.Test {
	out := *test
	out.Steps = append([]conversationtest.Step(nil), test.Steps...)
	for i := range out.Steps {
		if e := out.Steps[i].Expect; e != nil {
			visible := *e
			visible.History, visible.Events = nil, nil
			out.Steps[i].Expect = &visible
		}
	}
	return &out
}

// runExample starts a gateway and runs one test on it.
func runExample(t *testing.T, config string, test *conversationtest.Test) {
	w := newExampleWorld(t, config, test)
	r := conversationtest.Run(t.Context(), test, w)
	for _, f := range r.Failures {
		t.Errorf("line %d: step %d: %s", f.Line, f.Step, f.Message)
	}
	if len(r.Failures) > 0 {
		trails, _ := json.MarshalIndent(w.trails(t), "", " ")
		t.Logf("trails: %s", trails)
	}
	t.Logf("%d of %d steps; %s", r.Steps, len(test.Steps), r.Skipped)
	if r.Steps == 0 && len(r.Failures) == 0 {
		t.Skip(r.Skipped)
	}
}
