package jetstream

import (
	"fmt"
	"log/slog"
)

// serverLogger forwards warnings and errors of the embedded server and drops its notices.
type serverLogger struct{ to *slog.Logger }

func (l serverLogger) Noticef(string, ...any) {}
func (l serverLogger) Debugf(string, ...any)  {}
func (l serverLogger) Tracef(string, ...any)  {}

func (l serverLogger) Warnf(format string, args ...any) {
	l.to.Warn("nats server warning", "text", fmt.Sprintf(format, args...))
}

func (l serverLogger) Errorf(format string, args ...any) {
	l.to.Error("nats server error", "text", fmt.Sprintf(format, args...))
}

func (l serverLogger) Fatalf(format string, args ...any) {
	l.to.Error("nats server fatal error", "text", fmt.Sprintf(format, args...))
}
