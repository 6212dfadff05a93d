package jetstream

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/core/internal/store"
)

func TestOpenValidatesOptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no dir":      {func(o *Options) { o.Dir = "" }, "dir is empty"},
		"no logger":   {func(o *Options) { o.Logger = nil }, "logger is nil"},
		"small cap":   {func(o *Options) { o.Cap = 1000 }, "cap of 1000 bytes"},
		"ack timeout": {func(o *Options) { o.AckTimeout = -1 }, "ack timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := Options{Dir: t.TempDir(), Logger: testLogger(t)}
			test.change(&options)
			if _, err := Open(t.Context(), options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestServerOpensNoPort(t *testing.T) {
	t.Parallel()
	e := newHarness(t, Options{Dir: t.TempDir()}).log.engine.Load()
	if varz, err := e.server.Varz(nil); err != nil || varz.Port != 0 && e.server.Addr() != nil {
		t.Errorf("server listens on %v, error %v, want no listener", e.server.Addr(), err)
	}
}

func TestFolderIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "store")
	h := newHarness(t, Options{Dir: dir})
	if err := h.log.Append(t.Context(), 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want no permissions for others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenTwiceInOneProcess(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	if _, err := Open(t.Context(), h.options); !errors.Is(err, store.ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	h.Reopen(t) // Close released the lock
}

func TestOpenChecksFormat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"newer": {`{"version":3,"streams":[]}`, store.ErrNewer},
		"older": {`{"version":1,"streams":[]}`, store.ErrOlder},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Options{Dir: t.TempDir()})
			h.log.Close()
			path := filepath.Join(h.options.Dir, "format.json")
			written, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, test.text)
			if _, err := Open(t.Context(), h.options); !errors.Is(err, test.want) {
				t.Errorf("Open = %v, want %v", err, test.want)
			}
			write(t, path, string(written)) // the failed Open released the lock and did not change the store
			h.open(t)
		})
	}
}

func TestMissingStreamIsDamage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	if err := h.log.Append(t.Context(), 0, []byte("record")); err != nil {
		t.Fatal(err)
	}
	h.log.Close()
	stream := filepath.Join(h.options.Dir, "jetstream", "$G", "streams", logStream)
	if err := os.Rename(stream, filepath.Join(t.TempDir(), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), h.options)
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), logStream) {
		t.Errorf("Open = %v, want ErrDamaged with the name of the stream", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
