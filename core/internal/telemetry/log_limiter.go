package telemetry

import (
	"sync"
	"time"
)

// LogLimiter limits the rate of log lines with the same key, for events that each message can cause. It is safe for
// concurrent use.
type LogLimiter struct {
	lines  int
	window time.Duration
	report func(key string, suppressed int)

	mu      sync.Mutex
	windows map[string]*logWindow // each exists for one window
}

type logWindow struct{ lines, suppressed int }

// NewLogLimiter returns a limiter that allows the given number of lines for each key in a window. A window begins with
// its first line. If lines were suppressed, report is called at the end of the window, on a separate goroutine.
func NewLogLimiter(lines int, window time.Duration, report func(key string, suppressed int)) *LogLimiter {
	return &LogLimiter{lines: lines, window: window, report: report, windows: map[string]*logWindow{}}
}

// Allow reports whether to log a line with this key.
func (l *LogLimiter) Allow(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[key]
	if w == nil {
		w = &logWindow{}
		l.windows[key] = w
		time.AfterFunc(l.window, func() { l.end(key) })
	}
	if w.lines == l.lines {
		w.suppressed++
		return false
	}
	w.lines++
	return true
}

func (l *LogLimiter) end(key string) {
	l.mu.Lock()
	w := l.windows[key]
	delete(l.windows, key)
	l.mu.Unlock()
	if w.suppressed > 0 {
		l.report(key, w.suppressed)
	}
}
