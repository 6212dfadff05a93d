//go:build !linux

package adaptertest

import "syscall"

// usage is what a process holds.
type usage struct {
	descriptors int
	threads     int
	bytes       int64 // resident
	children    []int
}

// usageOf can't tell on this system.
func usageOf(int) (usage, bool) { return usage{}, false }

// running reports whether a process is there.
func running(pid int) bool { return syscall.Kill(pid, 0) == nil }
