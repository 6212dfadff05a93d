package media

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSigningKey(t *testing.T) {
	for _, tc := range []struct {
		name     string
		change   func(path string) error
		replaced bool
	}{
		{"unchanged", func(string) error { return nil }, false},
		{"crash during creation", func(path string) error {
			return os.WriteFile(path+tempSuffix, []byte("x"), 0o600)
		}, false},
		{"deleted", os.Remove, true},
		{"truncated", func(path string) error { return os.Truncate(path, 31) }, true},
		{"too long", func(path string) error { return os.Truncate(path, 33) }, true},
		{"group-readable", func(path string) error { return os.Chmod(path, 0o660) }, false},
		{"world-readable", func(path string) error { return os.Chmod(path, 0o604) }, true},
		{"symbolic link", func(path string) error {
			return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			b.vendor.put("cat", png1(100))
			link := b.Link(b.must("cat"))
			path := filepath.Join(b.dir, keyFile)
			if err := tc.change(path); err != nil {
				t.Fatal(err)
			}
			b.reopen()
			want := 200
			if tc.replaced {
				want = 404
			}
			if r := b.sendRequest("GET", link); r.StatusCode != want {
				t.Errorf("old link: status %d, want %d", r.StatusCode, want)
			}
			if r := b.sendRequest("GET", b.Link(b.must("cat"))); r.StatusCode != 200 {
				t.Errorf("new link: status %d", r.StatusCode)
			}
			info, err := os.Lstat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&^0o060 != 0o600 || info.Size() != keyBytes {
				t.Errorf("key: %v, %v", info, err)
			}
			if got := b.files(tempSuffix); len(got) != 0 {
				t.Errorf("temporary files: %v", got)
			}
			if logged := strings.Contains(b.logs.String(), "signing key"); logged != (tc.replaced && tc.name != "deleted") {
				t.Errorf("log: %s", b.logs)
			}
			key, _ := os.ReadFile(path)
			if bytes.Contains(b.logs.Bytes(), key) {
				t.Error("the log contains the key")
			}
		})
	}
}

// withKeyFolder returns a media folder in which the key is a non-empty folder.
func withKeyFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, keyFile, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
