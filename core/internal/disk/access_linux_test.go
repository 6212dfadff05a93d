package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/disk"
)

func TestCheckAccessNamesFileOwnerAndUser(t *testing.T) {
	for name, deny := range map[string]struct {
		path string
		mode os.FileMode
	}{
		"unreadable folder": {"jetstream/streams", 0o300},
		"unwritable folder": {"jetstream", 0o500},
		"unreadable file":   {"jetstream/streams/1.blk", 0o200},
		"unwritable file":   {"jetstream/streams/1.blk", 0o400},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "jetstream/streams"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "jetstream/streams/1.blk"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			changeOwner(t, dir)
			if err := asNobody(dir, disk.CheckAccess); err != nil {
				t.Fatalf("CheckAccess = %v, want nil before the change", err)
			}
			path := filepath.Join(dir, deny.path)
			if err := os.Chmod(path, deny.mode); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(path, 0o700) }) // for the removal of the folder
			err := asNobody(dir, disk.CheckAccess)
			if !errors.Is(err, fs.ErrPermission) {
				t.Fatalf("CheckAccess = %v, want ErrPermission", err)
			}
			for _, want := range []string{path + ":", "has the owner ", "runs as ", "change the owner"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("CheckAccess = %q, want it to contain %q", err, want)
				}
			}
		})
	}
}

func TestMakeFolderIgnoresContentOfOthers(t *testing.T) {
	dir := t.TempDir()
	changeOwner(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o000); err != nil {
		t.Fatal(err)
	}
	if err := asNobody(dir, disk.MakeFolder); err != nil {
		t.Errorf("MakeFolder = %v, want nil", err)
	}
	if err := asNobody(filepath.Join(dir, "lost+found", "store"), disk.MakeFolder); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("MakeFolder in a folder without access = %v, want ErrPermission", err)
	}
}

func TestMakeFolderCreatesParents(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if err := disk.MakeFolder(dir); err != nil {
			t.Errorf("MakeFolder = %v, want nil", err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("Stat = %v, %v, want mode 0700", info, err)
	}
}

func TestCheckAccessOfMissingFolder(t *testing.T) {
	t.Parallel()
	if err := disk.CheckAccess(filepath.Join(t.TempDir(), "missing")); err != nil {
		t.Errorf("CheckAccess = %v, want nil", err)
	}
}

const nobody = 65534

// changeOwner changes the owner of all files in dir to nobody, if this process is root.
func changeOwner(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asNobody calls check as the user nobody. If this process is not root, it calls check as the current user.
func asNobody(dir string, check func(string) error) error {
	if os.Geteuid() != 0 {
		return check(dir)
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(nobody); err != nil {
			result <- err
			return
		}
		result <- check(dir)
	}()
	return <-result
}
