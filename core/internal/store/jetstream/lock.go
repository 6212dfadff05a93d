package jetstream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
)

// folder is the store folder, locked for this process.
type folder struct {
	dir       string
	lock      *os.File
	watermark *os.File // nil before the first write
}

// openFolder creates the folder if necessary and locks it. It fails with store.ErrLocked if another process has it
// open.
func openFolder(dir string) (*folder, error) {
	if err := disk.MakeFolder(dir); err != nil {
		return nil, err
	}
	for _, name := range []string{"lock", "watermark", "format.json", "jetstream"} {
		if err := disk.CheckAccess(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(dir, "lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	switch err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		holder, _ := io.ReadAll(io.LimitReader(lock, 32))
		return nil, errors.Join(fmt.Errorf("%w: process %s holds %s: stop it, or use another folder",
			store.ErrLocked, strings.TrimSpace(string(holder)), path), lock.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
	}
	f := &folder{dir: dir, lock: lock}
	if err := f.writeOwner(); err != nil {
		return nil, errors.Join(err, f.unlock())
	}
	return f, nil
}

// writeOwner writes the id of this process into the lock file. The fixed width needs no new block on a full disk.
func (f *folder) writeOwner() error {
	if _, err := f.lock.WriteAt(fmt.Appendf(nil, "%-10d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// unlock releases the folder. The lock file stays: if it were removed, two processes could lock two files of that name.
func (f *folder) unlock() error {
	if f.watermark != nil {
		return errors.Join(f.watermark.Close(), f.lock.Close())
	}
	return f.lock.Close()
}
