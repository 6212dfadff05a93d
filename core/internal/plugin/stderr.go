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

// Limits of an adapter's stderr.
const (
	maxLogLine    = 256 << 10 // bytes of one line
	maxTrace      = 64 << 10  // bytes of a panic in the log output
	maxPanicText  = 2 << 10   // bytes of a panic in a BrokeError
	tailLines     = 20        // last lines in a BrokeError
	tailLineBytes = 512
	logsPerSecond = 200
	logBurst      = 1000
)

// stderrDecoder forwards an adapter's stderr to the gateway's log output: a JSON line of slog or hclog becomes a record
// with the same level and attributes, a Go panic becomes one record, and any other line becomes a warning. It accepts
// any input.
type stderrDecoder struct {
	log    *slog.Logger
	limit  *rate.Limiter
	redact func(string) string // removes secrets

	mu       sync.Mutex
	tail     []string // last errors and lines that are not JSON
	trace    []byte   // the panic that is being read
	tracing  bool
	panicked string // first panic, shortened
	dropped  int    // records over the rate limit
}

// newStderrDecoder returns a decoder. The logger removes secrets itself.
func newStderrDecoder(log *slog.Logger, redact func(string) string) *stderrDecoder {
	return &stderrDecoder{log: log, redact: redact, limit: rate.NewLimiter(logsPerSecond, logBurst)}
}

// readFrom decodes lines until r ends.
func (d *stderrDecoder) readFrom(r io.Reader) {
	br := bufio.NewReaderSize(r, 32<<10)
	var line []byte
	truncated := false
	for {
		piece, err := br.ReadSlice('\n')
		if room := maxLogLine - len(line); len(piece) > room {
			piece, truncated = piece[:room], true
		}
		line = append(line, piece...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil || len(line) > 0 {
			d.decode(strings.TrimRight(string(line), "\r\n"), truncated)
		}
		if err != nil {
			break
		}
		line, truncated = line[:0], false
		if cap(line) > 64<<10 {
			line = nil
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endTrace()
	d.reportDropped()
}

// decode takes one line without its end.
func (d *stderrDecoder) decode(line string, truncated bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if rec, ok := decodeRecord(line); ok && !truncated {
		d.endTrace()
		if rec.level >= slog.LevelError {
			d.addToTail(rec.message + rec.errorText())
		}
		d.emit(rec.level, rec.message, rec.attrs...)
		return
	}
	switch {
	case d.tracing:
		d.addToTrace(line)
	case startsTrace(line):
		d.tracing = true
		d.addToTrace(line)
	case line != "":
		d.addToTail(line)
		attrs := []slog.Attr{slog.String("stream", "stderr"), slog.String("text", strings.ToValidUTF8(line, "\uFFFD"))}
		if truncated {
			attrs = append(attrs, slog.Bool("truncated", true))
		}
		d.emit(slog.LevelWarn, "stray output", attrs...)
	}
}

// startsTrace reports whether a line is the start of the Go runtime's crash report.
func startsTrace(line string) bool {
	for _, p := range []string{"panic: ", "fatal error: ", "unexpected fault address", "SIG", "runtime: "} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

func (d *stderrDecoder) addToTrace(line string) {
	if room := maxTrace - len(d.trace); room > 0 {
		d.trace = append(d.trace, line[:min(room, len(line))]...)
		d.trace = append(d.trace, '\n')
	}
}

// endTrace logs the panic that was read, if any, as one record.
func (d *stderrDecoder) endTrace() {
	if !d.tracing {
		return
	}
	trace := d.redact(strings.ToValidUTF8(strings.TrimSpace(string(d.trace)), "\uFFFD"))
	d.tracing, d.trace = false, nil
	if d.panicked == "" {
		d.panicked = shortenTrace(trace)
	}
	d.log.LogAttrs(context.Background(), slog.LevelError, "adapter crashed", slog.String("trace", trace))
}

// shortenTrace returns the first whole lines of a trace, within maxPanicText.
func shortenTrace(trace string) string {
	if len(trace) <= maxPanicText {
		return trace
	}
	head := text.Clip(trace, maxPanicText)
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		head = head[:i]
	}
	return head + "\n…"
}

// emit writes a record within the rate limit.
func (d *stderrDecoder) emit(level slog.Level, msg string, attrs ...slog.Attr) {
	if !d.log.Enabled(context.Background(), level) {
		return
	}
	if !d.limit.AllowN(time.Now(), 1) {
		d.dropped++
		return
	}
	d.reportDropped()
	d.log.LogAttrs(context.Background(), level, msg, attrs...)
}

func (d *stderrDecoder) reportDropped() {
	if d.dropped == 0 {
		return
	}
	d.log.Warn("log lines of the adapter dropped: rate limit", "lines", d.dropped)
	d.dropped = 0
}

func (d *stderrDecoder) addToTail(line string) {
	if len(d.tail) == tailLines {
		d.tail = append(d.tail[:0], d.tail[1:]...)
	}
	d.tail = append(d.tail, strings.ToValidUTF8(text.Clip(d.redact(line), tailLineBytes), "\uFFFD"))
}

// panicText returns the first panic with the top of its stack, or "".
func (d *stderrDecoder) panicText() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panicked == "" && d.tracing {
		return shortenTrace(d.redact(strings.ToValidUTF8(string(d.trace), "\uFFFD")))
	}
	return d.panicked
}

// tailText returns the last errors and stray lines.
func (d *stderrDecoder) tailText() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.tail, "\n")
}
