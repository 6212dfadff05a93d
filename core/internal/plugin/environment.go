package plugin

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"patchbay/sdk/protocol"
)

// inherited are the only variables of the gateway's environment that an adapter sees: secrets stay here.
var inherited = []string{
	"PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK",
	"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
}

// environment returns the variables of an adapter process. Later ones win.
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

// logLevel returns the least level that l writes: what an adapter logs below it would be thrown away here.
func logLevel(l *slog.Logger) string {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if l.Enabled(context.Background(), level) {
			return strings.ToLower(level.String())
		}
	}
	return "error"
}

// verify looks at the program before it is started, to say in plain words what is wrong with it.
func verify(o *Options) error {
	if !filepath.IsAbs(o.Command) {
		return ended(reasonPermanent, "command %s is not an absolute path", o.Command)
	}
	info, err := os.Stat(o.Command)
	switch {
	case err != nil:
		return ended(reasonPermanent, "command %s: %w; build the adapter or correct the path", o.Command, err)
	case !info.Mode().IsRegular():
		return ended(reasonPermanent, "command %s is not a file", o.Command)
	case info.Mode().Perm()&0o111 == 0:
		return ended(reasonPermanent, "command %s is not executable; run chmod +x on it", o.Command)
	}
	return nil
}
