package jetstream

import (
	"fmt"
	"log/slog"
)

// serverLogger hands warnings and errors of the server on; its notices are of no use to an operator of ours.
type serverLogger struct{ to *slog.Logger }

func (l serverLogger) Noticef(string, ...any) {}
func (l serverLogger) Debugf(string, ...any)  {}
func (l serverLogger) Tracef(string, ...any)  {}

func (l serverLogger) Warnf(format string, args ...any) {
	l.to.Warn("nats server warns", "text", fmt.Sprintf(format, args...))
}

func (l serverLogger) Errorf(format string, args ...any) {
	l.to.Error("nats server failed", "text", fmt.Sprintf(format, args...))
}

func (l serverLogger) Fatalf(format string, args ...any) {
	l.to.Error("nats server gave up", "text", fmt.Sprintf(format, args...))
}
