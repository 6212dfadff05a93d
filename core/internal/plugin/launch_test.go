package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

func TestFailedStartsAreExplained(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("\x7fELF nonsense"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := func(path string) func(*Options) { return func(o *Options) { o.Command = path } }
	for name, tc := range map[string]struct {
		modes  string
		change func(*Options)
		reason string
		text   string
	}{
		"missing file":                  {"", command(filepath.Join(dir, "none")), reasonPermanent, "no such file"},
		"relative path":                 {"", command("bin/hostile"), reasonPermanent, "absolute"},
		"a folder":                      {"", command(dir), reasonPermanent, "is not a file"},
		"not executable":                {"", command(plain), reasonPermanent, "chmod +x"},
		"not a program":                 {"", command(garbage), reasonStart, "exec format error"},
		"another version":               {"wrong-version", nil, reasonPermanent, "version 99"},
		"noise on stdout":               {"noise", nil, reasonPermanent, "hello, I am printed too early"},
		"wrong cookie":                  {"wrong-cookie", nil, reasonStart, "name it in the gateway's configuration"},
		"exit at start":                 {"exit-at-start", nil, reasonStart, "exit status 7: cannot find my teapot"},
		"panic at start":                {"panic-at-start", nil, reasonStart, "panic: bad morning"},
		"hang in handshake":             {"hang-handshake", quickStart, reasonStart, "not ready after"},
		"no server after the handshake": {"half-handshake", quickStart, reasonStart, "not ready after"},
	} {
		t.Run(name, func(t *testing.T) {
			change := tc.change
			if change == nil {
				change = func(*Options) {}
			}
			r := run(t, tc.modes, change, func(o *Options) { o.CrashBudget = 2 })
			st := r.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
			if st.Reason != tc.reason || !strings.Contains(st.LastError, tc.text) {
				t.Errorf("reason %s: %s", st.Reason, st.LastError)
			}
			if err := r.Wait(r.ctx()); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("waiting: %v", err)
			}
		})
	}
}

func quickStart(o *Options) { o.StartTimeout = 300 * time.Millisecond }

func TestStopWhileStarting(t *testing.T) {
	for _, mode := range []string{"hang-handshake", "half-handshake", "hang-configure"} {
		t.Run(mode, func(t *testing.T) {
			r := run(t, mode, func(o *Options) { o.StartTimeout = time.Hour })
			if mode == "hang-configure" {
				r.storeChannel(&pluginpb.ChannelConfig{Name: "c"}, &pluginpb.ConfigureResponse{})
			}
			r.waitFor("starting", func(s Status) bool { return s.State == StateStarting || s.State == StateConfiguring })
			r.stop()
		})
	}
}
