package telemetry_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/telemetry"
)

// logged returns the output of a logger that writes to a file.
func logged(t *testing.T, format, level string, f func(*slog.Logger)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f(telemetry.NewLogger(file, format, level))
	out, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestJSONWritesOneObjectPerLine(t *testing.T) {
	for _, format := range []string{"json", "auto"} {
		out := logged(t, format, "info", func(l *slog.Logger) {
			l.With("component", "delivery").WithGroup("g").Warn("delivery given up", "time", time.Unix(0, 0).UTC(), "n", 3)
		})
		var line struct {
			Time, Level, Msg, Component string
			G                           struct {
				Time time.Time
				N    int
			}
		}
		if err := json.Unmarshal([]byte(out), &line); err != nil || strings.Count(out, "\n") != 1 {
			t.Fatalf("%s: %q is not one JSON object on a line: %v", format, out, err)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z", line.Time); err != nil {
			t.Errorf("%s: time %q, want UTC with microseconds", format, line.Time)
		}
		group := line.G.N == 3 && line.G.Time.Equal(time.Unix(0, 0))
		if line.Level != "WARN" || line.Msg != "delivery given up" || line.Component != "delivery" || !group {
			t.Errorf("%s: line %+v", format, line)
		}
	}
}

func TestLevelFiltersLines(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1, "nonsense": 3} {
		out := logged(t, "json", level, func(l *slog.Logger) {
			l.Debug("a")
			l.Info("b")
			l.Warn("c")
			l.Error("d")
		})
		if got := strings.Count(out, "\n"); got != want {
			t.Errorf("level %s writes %d of 4 lines, want %d", level, got, want)
		}
	}
}

func TestColorIsForTerminals(t *testing.T) {
	write := func(l *slog.Logger) { l.Error("trouble", "error", "x") }
	t.Setenv("FORCE_COLOR", "")
	if out := logged(t, "text", "info", write); strings.Contains(out, "\x1b[") || !strings.Contains(out, "trouble") {
		t.Errorf("text to a file: %q, want no color", out)
	}
	t.Setenv("FORCE_COLOR", "1")
	if out := logged(t, "text", "info", write); !strings.Contains(out, "\x1b[") {
		t.Errorf("text with FORCE_COLOR: %q, want color", out)
	}
}
