package media

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mostFreeLow bounds how much of a disk is left free where nobody says how much.
const mostFreeLow = 1 << 30

// freeLow is what is left free of the disk that a folder lies on: a tenth, which is twice as much as the log wants to go on
// taking webhooks.
func freeLow(dir string) (int64, error) {
	size, _, err := disk(dir)
	return min(size/10, mostFreeLow), err
}

// spare fails with ErrNoRoom if n bytes more would take of the disk what is left free for others: the log lies on it, too.
func (s *Store) spare(n int64) error {
	_, free, err := disk(s.opt.Dir)
	if err != nil {
		return written(err)
	}
	if free-n < s.opt.FreeLow {
		return fmt.Errorf("%w: %d bytes are free on the disk, and %d are left to others", ErrNoRoom, free, s.opt.FreeLow)
	}
	return nil
}

// disk returns the size of the disk that a folder lies on and how much of it this process may still take, in bytes.
func disk(dir string) (size, free int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	unit := int64(s.Bsize)
	return int64(s.Blocks) * unit, int64(s.Bavail) * unit, nil
}
