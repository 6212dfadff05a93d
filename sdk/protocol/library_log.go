package protocol

import (
	"context"
	"io"
	"log"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// LibraryLogger returns a logger for go-plugin's own messages. Trace messages become debug. So do "plugin process
// exited" and similar errors, because the supervisor logs the end of a process with its reason.
//
// Named returns a logger with level Off. go-plugin then does not parse the adapter's stderr: its parser panics on lines
// like {"@message":1}. The caller reads stderr itself.
func LibraryLogger(l *slog.Logger) hclog.Logger { return &libraryLogger{slog: l} }

type libraryLogger struct {
	slog *slog.Logger
	name string
	args []any
	off  bool
}

var demoted = map[string]bool{
	"plugin process exited":                   true,
	"plugin failed to exit gracefully":        true,
	"error closing client during Kill":        true,
	"plugin exited":                           true,
	"error encountered while scanning stdout": true,
}

func (l *libraryLogger) write(level hclog.Level, msg string, args []any) {
	if l.off || level == hclog.Off {
		return
	}
	to := slog.LevelDebug
	switch {
	case demoted[msg]:
	case level == hclog.Warn:
		to = slog.LevelWarn
	case level == hclog.Error:
		to = slog.LevelError
	case level == hclog.Info:
		to = slog.LevelInfo
	}
	if !l.slog.Enabled(context.Background(), to) {
		return
	}
	l.slog.With(l.args...).Log(context.Background(), to, strings.ToLower(msg), args...)
}

func (l *libraryLogger) Log(level hclog.Level, msg string, args ...any) { l.write(level, msg, args) }
func (l *libraryLogger) Trace(msg string, args ...any)                  { l.write(hclog.Trace, msg, args) }
func (l *libraryLogger) Debug(msg string, args ...any)                  { l.write(hclog.Debug, msg, args) }
func (l *libraryLogger) Info(msg string, args ...any)                   { l.write(hclog.Info, msg, args) }
func (l *libraryLogger) Warn(msg string, args ...any)                   { l.write(hclog.Warn, msg, args) }
func (l *libraryLogger) Error(msg string, args ...any)                  { l.write(hclog.Error, msg, args) }

func (l *libraryLogger) enabled(level slog.Level) bool {
	return !l.off && l.slog.Enabled(context.Background(), level)
}

func (l *libraryLogger) IsTrace() bool { return false }
func (l *libraryLogger) IsDebug() bool { return l.enabled(slog.LevelDebug) }
func (l *libraryLogger) IsInfo() bool  { return l.enabled(slog.LevelInfo) }
func (l *libraryLogger) IsWarn() bool  { return l.enabled(slog.LevelWarn) }
func (l *libraryLogger) IsError() bool { return l.enabled(slog.LevelError) }

func (l *libraryLogger) ImpliedArgs() []any { return l.args }
func (l *libraryLogger) Name() string       { return l.name }

func (l *libraryLogger) With(args ...any) hclog.Logger {
	c := *l
	c.args = append(append([]any(nil), l.args...), args...)
	return &c
}

func (l *libraryLogger) Named(name string) hclog.Logger {
	c := *l
	c.name, c.off = name, true
	return &c
}

func (l *libraryLogger) ResetNamed(name string) hclog.Logger { return l.Named(name) }

// SetLevel does nothing: slog's handler decides.
func (l *libraryLogger) SetLevel(hclog.Level) {}

func (l *libraryLogger) GetLevel() hclog.Level {
	switch {
	case l.off:
		return hclog.Off
	case l.IsDebug():
		return hclog.Debug
	case l.IsInfo():
		return hclog.Info
	case l.IsWarn():
		return hclog.Warn
	}
	return hclog.Error
}

func (l *libraryLogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(nil), "", 0)
}

func (l *libraryLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return libraryWriter{l}
}

type libraryWriter struct{ l *libraryLogger }

func (w libraryWriter) Write(p []byte) (int, error) {
	w.l.write(hclog.Debug, "output of the plugin library", []any{"text", strings.TrimSpace(string(p))})
	return len(p), nil
}
