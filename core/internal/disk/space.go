// Package disk reads the free space of volumes and writes files that survive a power cut.
package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space describes the volume of a folder.
type Space struct {
	Size, Free uint64 // bytes; Free is the space that an unprivileged process can use
	Volatile   string // kind of the file system if it can lose synced writes, otherwise empty
}

// ReadSpace returns the space of the volume that holds dir.
func ReadSpace(dir string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return Space{}, fmt.Errorf("read the free space of %s: %w", dir, err)
	}
	unit := uint64(s.Bsize)
	return Space{Size: uint64(s.Blocks) * unit, Free: uint64(s.Bavail) * unit, Volatile: volatileKind(&s)}, nil
}
