package storetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// SmallDisk is a folder on a disk that a test can fill.
type SmallDisk struct {
	Dir string
	// Mounted is true for a real volume. Otherwise Fill limits files to 1 MiB, so that large writes fail.
	Mounted bool
	// Fill leaves the given number of bytes free, rounded to blocks of 4 KiB.
	Fill func(t *testing.T, free int64)
	// Clear undoes Fill.
	Clear func(t *testing.T)
}

// SmallDisks returns a simulated small disk, and a mounted one if this process can mount volumes.
func SmallDisks(t *testing.T, mebibytes int) map[string]SmallDisk {
	t.Helper()
	disks := map[string]SmallDisk{"simulated": simulatedDisk(t)}
	dir := t.TempDir()
	switch err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mebibytes)); {
	case errors.Is(err, unix.EPERM):
		t.Log("this process cannot mount volumes: only the simulated disk is tested")
		return disks
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	other := filepath.Join(dir, "other-program")
	disks["mounted"] = SmallDisk{
		Dir: filepath.Join(dir, "store"), Mounted: true,
		Fill: func(t *testing.T, free int64) { t.Helper(); check(t, fillVolume(other, free)) },
		Clear: func(t *testing.T) {
			t.Helper()
			if err := os.Remove(other); !errors.Is(err, os.ErrNotExist) {
				check(t, err)
			}
		},
	}
	return disks
}

// fillVolume writes to the file until its volume is full, and then truncates the file so that about free bytes are
// free.
func fillVolume(path string, free int64) error {
	const block = 4 << 10
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, block))
	}
	if !errors.Is(err, unix.ENOSPC) {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return file.Truncate((info.Size() - free) / block * block)
}

func simulatedDisk(t *testing.T) SmallDisk {
	t.Helper()
	var before unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &before))
	limitFiles := func(t *testing.T, most uint64) {
		t.Helper()
		check(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: before.Max}))
	}
	t.Cleanup(func() { limitFiles(t, before.Cur) })
	return SmallDisk{
		Dir: filepath.Join(t.TempDir(), "store"),
		// The go command writes a log file of the test. 1 MiB suffices for it.
		Fill:  func(t *testing.T, _ int64) { t.Helper(); limitFiles(t, 1<<20) },
		Clear: func(t *testing.T) { t.Helper(); limitFiles(t, before.Cur) },
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
