package disk

import "golang.org/x/sys/unix"

// volatileKind returns the kind of a file system if it can lose synced writes in a power cut, otherwise "".
func volatileKind(s *unix.Statfs_t) string {
	switch int64(s.Type) {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return "memory"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	}
	return ""
}
