package adaptertest

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
)

// T is the part of *testing.T that Test needs.
type T interface {
	Helper()
	Context() context.Context
	TempDir() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Test examines the adapter of a Go package and fails t for whatever fails the exam. It builds the package, as
// Options.Command names it ("." for the one under test); without Options.Data it takes testdata/exam. It returns the
// scorecard.
//
//	func TestExam(t *testing.T) { adaptertest.Test(t, adaptertest.Options{Command: "."}) }
func Test(t T, o Options) *Scorecard {
	t.Helper()
	program := filepath.Join(t.TempDir(), "adapter")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, o.Command)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", o.Command, err, out)
	}
	o.Command = program
	if o.Data == "" {
		o.Data = filepath.Join("testdata", "exam")
	}
	card, err := Run(t.Context(), o)
	if err != nil {
		t.Fatalf("no exam: %v", err)
	}
	var text bytes.Buffer
	if err := card.Print(&text); err != nil {
		t.Fatalf("print the scorecard: %v", err)
	}
	if card.Status != Pass {
		t.Errorf("the adapter does not pass its exam\n%s", text.String())
	}
	return card
}
