package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// serverLogger forwards warnings and errors of the embedded server and drops its notices. A fatal error, after which
// the server never becomes ready, is sent to fatal.
type serverLogger struct {
	to    *slog.Logger
	fatal chan string // buffered
}

func (l serverLogger) Noticef(string, ...any) {}
func (l serverLogger) Debugf(string, ...any)  {}
func (l serverLogger) Tracef(string, ...any)  {}

func (l serverLogger) Warnf(format string, args ...any) {
	level := slog.LevelWarn
	if strings.Contains(format, "Stream state ") || strings.Contains(format, "stream state from index") {
		level = slog.LevelDebug // the server rebuilds its index from the blocks, as after every kill
	}
	l.to.Log(context.Background(), level, "nats server warning", "text", fmt.Sprintf(format, args...))
}

func (l serverLogger) Errorf(format string, args ...any) {
	l.to.Error("nats server error", "text", fmt.Sprintf(format, args...))
}

func (l serverLogger) Fatalf(format string, args ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, args...):
	default: // the first one ended the start
	}
}
