package plugin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"patchbay/sdk/text"
)

// Limits of what is taken from an adapter's stderr.
const (
	maxLogLine    = 256 << 10
	maxTrace      = 64 << 10
	maxLastWords  = 2 << 10
	tailLines     = 20
	tailLineBytes = 512
	logsPerSecond = 200
	logBurst      = 1000
)

// stderrDecoder turns an adapter's stderr into records of the gateway's log: JSON of slog or hclog becomes a record
// of the same level and attributes, a Go panic becomes one record, and everything else a warning. No input can make it fail.
type stderrDecoder struct {
	log   *slog.Logger
	limit *rate.Limiter

	mu         sync.Mutex
	tail       []string // last lines that were not JSON, or were errors
	trace      []byte   // the panic that is being printed
	tracing    bool
	panicked   string // first panic, shortened
	suppressed int
}

func newStderrDecoder(log *slog.Logger) *stderrDecoder {
	return &stderrDecoder{log: log, limit: rate.NewLimiter(logsPerSecond, logBurst)}
}

// readFrom decodes lines until r ends.
func (d *stderrDecoder) readFrom(r io.Reader) {
	br := bufio.NewReaderSize(r, 32<<10)
	var line []byte
	cut := false
	for {
		piece, err := br.ReadSlice('\n')
		if room := maxLogLine - len(line); len(piece) > room {
			piece, cut = piece[:room], true
		}
		line = append(line, piece...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil || len(line) > 0 {
			d.line(line, cut)
		}
		if err != nil {
			break
		}
		line, cut = line[:0], false
		if cap(line) > 64<<10 {
			line = nil
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endTrace()
	d.reportSuppressed()
}

// line takes one line, with or without its end.
func (d *stderrDecoder) line(b []byte, cut bool) {
	text := strings.TrimRight(string(b), "\r\n")
	d.mu.Lock()
	defer d.mu.Unlock()
	if rec, ok := decodeRecord(text); ok && !cut {
		d.endTrace()
		if rec.level >= slog.LevelError {
			d.remember(rec.message + rec.errorText())
		}
		d.emit(rec.level, rec.message, rec.attrs...)
		return
	}
	switch {
	case d.tracing:
		d.addTrace(text)
	case startsTrace(text):
		d.tracing = true
		d.addTrace(text)
	case text != "":
		d.remember(text)
		attrs := []slog.Attr{slog.String("stream", "stderr"), slog.String("text", strings.ToValidUTF8(text, "\uFFFD"))}
		if cut {
			attrs = append(attrs, slog.Bool("truncated", true))
		}
		d.emit(slog.LevelWarn, "stray output", attrs...)
	}
}

// startsTrace recognises how the Go runtime begins to report a crash.
func startsTrace(s string) bool {
	for _, p := range []string{"panic: ", "fatal error: ", "unexpected fault address", "SIG", "runtime: "} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func (d *stderrDecoder) addTrace(text string) {
	if room := maxTrace - len(d.trace); room > 0 {
		d.trace = append(d.trace, text[:min(room, len(text))]...)
		d.trace = append(d.trace, '\n')
	}
}

// endTrace reports the panic, if one was being printed, as one record.
func (d *stderrDecoder) endTrace() {
	if !d.tracing {
		return
	}
	trace := strings.ToValidUTF8(strings.TrimSpace(string(d.trace)), "\uFFFD")
	d.tracing, d.trace = false, nil
	if d.panicked == "" {
		d.panicked = shorten(trace)
	}
	d.log.LogAttrs(context.Background(), slog.LevelError, "adapter crashed", slog.String("trace", trace))
}

// shorten cuts a trace to its first whole lines within maxLastWords.
func shorten(trace string) string {
	if len(trace) <= maxLastWords {
		return trace
	}
	head := text.Clip(trace, maxLastWords)
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		head = head[:i]
	}
	return head + "\n…"
}

// emit writes a record within the rate.
func (d *stderrDecoder) emit(level slog.Level, msg string, attrs ...slog.Attr) {
	if !d.log.Enabled(context.Background(), level) {
		return
	}
	if !d.limit.AllowN(time.Now(), 1) {
		d.suppressed++
		return
	}
	d.reportSuppressed()
	d.log.LogAttrs(context.Background(), level, msg, attrs...)
}

func (d *stderrDecoder) reportSuppressed() {
	if d.suppressed == 0 {
		return
	}
	d.log.Warn("adapter logs too much, lines were left out", "lines", d.suppressed)
	d.suppressed = 0
}

func (d *stderrDecoder) remember(line string) {
	if len(d.tail) == tailLines {
		d.tail = append(d.tail[:0], d.tail[1:]...)
	}
	d.tail = append(d.tail, strings.ToValidUTF8(text.Clip(line, tailLineBytes), "\uFFFD"))
}

// panicText returns the first panic with the top of its stack, "" if there was none.
func (d *stderrDecoder) panicText() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panicked == "" && d.tracing {
		return shorten(strings.ToValidUTF8(string(d.trace), "\uFFFD"))
	}
	return d.panicked
}

// tailText returns the last lines that a person would look at.
func (d *stderrDecoder) tailText() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.tail, "\n")
}

// strayWriter reports what an adapter prints to stdout or, after serve.Main began, to os.Stderr. It is safe for
// concurrent use.
type strayWriter struct {
	stream string
	out    *stderrDecoder // for its rate and its logger

	mu   sync.Mutex
	line []byte
}

// Write implements io.Writer; it never fails.
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

// flush reports an unfinished line.
func (w *strayWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit()
}

func (w *strayWriter) emit() {
	if len(w.line) == 0 {
		return
	}
	text := strings.ToValidUTF8(string(w.line), "\uFFFD")
	w.line = w.line[:0]
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.emit(slog.LevelWarn, "stray output", slog.String("stream", w.stream), slog.String("text", text))
}
