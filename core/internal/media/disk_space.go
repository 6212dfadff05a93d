package media

import (
	"fmt"

	"patchbay/core/internal/disk"
)

// maxDefaultFreeLow limits the default of Options.FreeLow.
const maxDefaultFreeLow = 1 << 30

// defaultFreeLow returns a tenth of the disk, at most maxDefaultFreeLow. A tenth is twice the free space at which the
// log stops accepting messages.
func defaultFreeLow(dir string) (int64, error) {
	space, err := disk.ReadSpace(dir)
	return min(int64(space.Size)/10, maxDefaultFreeLow), err
}

// checkFreeSpace fails with ErrNoRoom if n more bytes would leave less than Options.FreeLow free. The log is on the
// same disk.
func (s *Store) checkFreeSpace(n int64) error {
	space, err := disk.ReadSpace(s.opt.Dir)
	if err != nil {
		return writeError(err)
	}
	if int64(space.Free)-n < s.opt.FreeLow {
		return fmt.Errorf("%w: %d bytes are free on the disk, %d of them are reserved", ErrNoRoom, space.Free, s.opt.FreeLow)
	}
	return nil
}
