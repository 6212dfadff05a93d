package jetstream

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// disk is the volume that a folder lies on.
type disk struct {
	size, free uint64 // bytes; free is what an unprivileged process may use
	kind       string // why the volume may not keep what was synced; empty if it does
}

func statDisk(dir string) (disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return disk{}, fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	unit := uint64(s.Bsize)
	return disk{size: uint64(s.Blocks) * unit, free: uint64(s.Bavail) * unit, kind: volatileKind(&s)}, nil
}
