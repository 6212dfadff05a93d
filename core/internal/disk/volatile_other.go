//go:build !linux

package disk

import "golang.org/x/sys/unix"

func volatileKind(*unix.Statfs_t) string { return "" }
