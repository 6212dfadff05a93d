package storetest

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// MountDisk mounts a disk of so many MiB for the time of the test, to be filled up. It returns false if this process may not mount.
func MountDisk(t *testing.T, mebibytes string) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	switch err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+mebibytes+"m"); {
	case errors.Is(err, unix.EPERM):
		t.Log("this process may not mount: a limit on the size of files has to do")
		return "", false
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir, true
}
