package plugin

import (
	"log/slog"
	"strings"
	"sync"
)

// strayWriter logs the lines that an adapter prints to stdout or, after serve.Main has started, to os.Stderr. It is
// safe for concurrent use.
type strayWriter struct {
	stream string
	out    *stderrDecoder // has the rate limit and the logger

	mu   sync.Mutex
	line []byte
}

// Write implements io.Writer. It never fails.
func (w *strayWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		piece, after, whole := strings.Cut(string(rest), "\n")
		if room := tailLineBytes - len(w.line); room > 0 {
			w.line = append(w.line, piece[:min(room, len(piece))]...)
		}
		if whole {
			w.emit()
		}
		rest = []byte(after)
	}
	return len(p), nil
}

// flush logs an incomplete line.
func (w *strayWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit()
}

func (w *strayWriter) emit() {
	if len(w.line) == 0 {
		return
	}
	line := strings.ToValidUTF8(string(w.line), "\uFFFD")
	w.line = w.line[:0]
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.emit(slog.LevelWarn, "stray output", slog.String("stream", w.stream), slog.String("text", line))
}
