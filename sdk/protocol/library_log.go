package protocol

import (
	"context"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// LibraryLogger returns a logger for go-plugin's own messages. Trace messages become debug. So do "plugin process
// exited" and similar errors, because the supervisor logs the end of a process with its reason.
//
// Named returns a logger with level Off. go-plugin then does not parse the adapter's stderr: its parser panics on lines
// like {"@message":1}. The caller reads stderr itself.
func LibraryLogger(l *slog.Logger) hclog.Logger {
	return &libraryLogger{Logger: hclog.NewNullLogger(), slog: l}
}

type libraryLogger struct {
	hclog.Logger // has the methods that go-plugin does not call
	slog         *slog.Logger
}

var demoted = map[string]bool{
	"plugin process exited":                   true,
	"plugin failed to exit gracefully":        true,
	"error closing client during Kill":        true,
	"plugin exited":                           true,
	"error encountered while scanning stdout": true,
}

// Log writes a message at the corresponding level of slog, in lower case.
func (l *libraryLogger) Log(level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch {
	case demoted[msg]:
	case level == hclog.Info:
		to = slog.LevelInfo
	case level == hclog.Warn:
		to = slog.LevelWarn
	case level == hclog.Error:
		to = slog.LevelError
	}
	l.slog.Log(context.Background(), to, strings.ToLower(msg), args...)
}

func (l *libraryLogger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *libraryLogger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *libraryLogger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *libraryLogger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *libraryLogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *libraryLogger) With(args ...any) hclog.Logger { return LibraryLogger(l.slog.With(args...)) }

func (l *libraryLogger) Named(string) hclog.Logger { return offLogger{hclog.NewNullLogger()} }

func (l *libraryLogger) ResetNamed(name string) hclog.Logger { return l.Named(name) }

// offLogger discards all messages.
type offLogger struct{ hclog.Logger }

func (offLogger) GetLevel() hclog.Level { return hclog.Off }
