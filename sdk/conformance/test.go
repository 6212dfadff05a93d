package conformance

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// T is the part of *testing.T that Test needs.
type T interface {
	Helper()
	Context() context.Context
	TempDir() string
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Test builds the adapter of a Go package, tests it, and fails t for each failed check. Options.Command names the
// package ("." for the one under test); without Options.Data, the test data are in testdata/conformance. It returns the
// report.
//
//	func TestConformance(t *testing.T) { conformance.Test(t, conformance.Options{Command: "."}) }
func Test(t T, o Options) *Report {
	t.Helper()
	program := filepath.Join(t.TempDir(), "adapter")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, o.Command).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", o.Command, err, out)
	}
	o.Command = program
	if o.Data == "" {
		o.Data = filepath.Join("testdata", "conformance")
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatalf("the adapter can't be tested: %v", err)
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil || report.Status != Pass {
		t.Errorf("the adapter does not conform\n%s", text.String())
	}
	return report
}
