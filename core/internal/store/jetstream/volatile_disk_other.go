//go:build !linux

package jetstream

import "golang.org/x/sys/unix"

func volatileKind(*unix.Statfs_t) string { return "" }
