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

// NewLogger returns a logger that writes to f. format is text, json or auto (text on a terminal, else json); json
// writes one object per line. level is debug, info, warn or error; any other value means info.
//
// Text is colored on a terminal unless NO_COLOR is set or TERM is dumb. FORCE_COLOR colors it everywhere.
func NewLogger(f *os.File, format, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	terminal := term.IsTerminal(int(f.Fd()))
	if format == "text" || format == "auto" && terminal {
		color := terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" || os.Getenv("FORCE_COLOR") != ""
		return slog.New(tint.NewTextHandler(f, &tint.Options{Level: l, TimeFormat: time.TimeOnly, NoColor: !color}))
	}
	return slog.New(jsonHandler(f, l))
}

// jsonHandler writes a record's time in UTC with microseconds. It does not change times in attributes.
// Callers pass durations as numbers with the unit in the key, such as duration_seconds.
func jsonHandler(w io.Writer, l slog.Level) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String(slog.TimeKey, a.Value.Time().UTC().Format("2006-01-02T15:04:05.000000Z"))
		}
		return a
	}})
}
