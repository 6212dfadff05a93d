package telemetry

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// NewLogger returns a logger that writes to f: readable lines with colour on a terminal, else one JSON object a line.
// Format is auto, text or json; level is debug, info, warn or error, and info if it is none of them. Lines that are meant
// to be read are coloured on a terminal, unless NO_COLOR is set or TERM is dumb, and anywhere if FORCE_COLOR is set.
func NewLogger(f *os.File, format, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	terminal := term.IsTerminal(int(f.Fd()))
	if format == "text" || format == "auto" && terminal {
		colour := terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" || os.Getenv("FORCE_COLOR") != ""
		return slog.New(tint.NewHandler(f, &tint.Options{Level: l, TimeFormat: time.TimeOnly, NoColor: !colour}))
	}
	return slog.New(jsonHandler(f, l))
}

// jsonHandler writes the time of a record in UTC with microseconds; times among the attributes stay as they are.
// Durations are for callers to write as numbers, with the unit in the key (duration_seconds).
func jsonHandler(w io.Writer, l slog.Level) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String(slog.TimeKey, a.Value.Time().UTC().Format("2006-01-02T15:04:05.000000Z"))
		}
		return a
	}})
}
