package media

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// maxDefaultFreeLow limits the default of Options.FreeLow.
const maxDefaultFreeLow = 1 << 30

// defaultFreeLow returns a tenth of the disk, twice the free space at which the log stops accepting messages.
func defaultFreeLow(dir string) (int64, error) {
	size, _, err := diskSpace(dir)
	return min(size/10, maxDefaultFreeLow), err
}

// checkFreeSpace fails with ErrNoRoom if n more bytes would leave less than Options.FreeLow free. The log is on the
// same disk.
func (s *Store) checkFreeSpace(n int64) error {
	_, free, err := diskSpace(s.opt.Dir)
	if err != nil {
		return writeError(err)
	}
	if free-n < s.opt.FreeLow {
		return fmt.Errorf("%w: %d bytes are free on the disk, %d of them are reserved", ErrNoRoom, free, s.opt.FreeLow)
	}
	return nil
}

// diskSpace returns the size of the disk of a folder and the free space for this process, in bytes.
func diskSpace(dir string) (size, free int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("read the free space of %s: %w", dir, err)
	}
	unit := int64(s.Bsize)
	return int64(s.Blocks) * unit, int64(s.Bavail) * unit, nil
}
