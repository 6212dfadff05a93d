package plugin

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"patchbay/sdk/protocol"
)

// inherited are the variables of the gateway's environment that an adapter gets. The others may be secrets.
var inherited = []string{
	"PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK",
	"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
}

// environment returns the variables of a plugin process. Later entries override earlier ones.
func environment(o *Options) []string {
	var env []string
	for _, k := range inherited {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	env = append(env, protocol.LogLevelEnv+"="+logLevel(o.Logger), protocol.ParentEnv+"="+strconv.Itoa(os.Getpid()))
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
