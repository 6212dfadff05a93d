package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"patchbay/core/internal/disk"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path+disk.TempSuffix, []byte("of a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"first", "second"} {
		if err := disk.Replace(path, []byte(content)); err != nil {
			t.Fatalf("Replace = %v, want nil", err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("content = %q, %v, want %q", got, err, content)
		}
	}
	if _, err := os.Stat(path + disk.TempSuffix); !os.IsNotExist(err) {
		t.Errorf("temporary file: %v, want it removed", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
}

func TestReadSpace(t *testing.T) {
	t.Parallel()
	if got, err := disk.ReadSpace(t.TempDir()); err != nil || got.Free == 0 || got.Free > got.Size {
		t.Errorf("ReadSpace = %+v, %v, want free space within the size", got, err)
	}
	if _, err := disk.ReadSpace(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("ReadSpace of a missing folder = nil, want an error")
	}
}
