package plugin

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"patchbay/sdk/protocol"
)

// environment returns the variables of a plugin process. Later entries override earlier ones.
func environment(o *Options) []string {
	env := append(protocol.InheritedEnv(), protocol.LogLevelEnv+"="+logLevel(o.Logger),
		protocol.ParentEnv+"="+strconv.Itoa(os.Getpid()))
	return append(env, o.Env...)
}

// logLevel returns the lowest level that l writes, so that an adapter does not send lines that would be dropped.
func logLevel(l *slog.Logger) string {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if l.Enabled(context.Background(), level) {
			return strings.ToLower(level.String())
		}
	}
	return "error"
}
