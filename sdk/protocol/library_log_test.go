package protocol

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestLibraryLogger(t *testing.T) {
	var out bytes.Buffer
	l := LibraryLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	l.With("a", 1).Warn("Something Odd", "b", 2)
	if got := out.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, `msg="something odd"`) ||
		!strings.Contains(got, "a=1 b=2") {
		t.Errorf("record %s", got)
	}
	out.Reset()
	l.Debug("x")
	l.Error("plugin process exited")
	if out.Len() != 0 {
		t.Errorf("messages above debug: %s", out.String())
	}
}

// At other levels, go-plugin parses the adapter's stderr, which can panic.
func TestNamedLibraryLoggerIsOff(t *testing.T) {
	var out bytes.Buffer
	n := LibraryLogger(slog.New(slog.NewTextHandler(&out, nil))).Named("adapter")
	n.Error("x")
	if n.GetLevel() != hclog.Off || out.Len() != 0 {
		t.Errorf("level %v, wrote %q", n.GetLevel(), out.String())
	}
}
