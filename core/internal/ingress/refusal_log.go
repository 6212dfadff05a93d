package ingress

import (
	"strings"
	"sync"
	"time"
)

// Limits of what callers can make the log say.
const (
	linesPerSecond = 5 // for one adapter and reason
	maxLoggedPath  = 200
	maxLoggedText  = 500
)

// sampler decides which refusals are logged: anybody can cause them, at any rate. It is safe for concurrent use.
type sampler struct {
	mu      sync.Mutex
	windows map[[2]string]*window
}

// window is one second of one adapter's refusals for one reason.
type window struct {
	began   time.Time
	lines   int
	leftOut int
}

// take reports whether this refusal is logged, and how many of its kind were left out before it.
func (s *sampler) take(adapter, reason string) (leftOut int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{adapter, reason}
	w := s.windows[key]
	if w == nil {
		w = &window{}
		s.windows[key] = w
	}
	if time.Since(w.began) >= time.Second {
		leftOut = w.leftOut
		*w = window{began: time.Now()}
	}
	if w.lines == linesPerSecond {
		w.leftOut++
		return 0, false
	}
	w.lines++
	return leftOut, true
}

// clip shortens what a caller or an adapter wrote.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
