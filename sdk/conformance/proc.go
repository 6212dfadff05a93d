package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

type usage struct {
	descriptors, threads int
	resident             int64 // bytes
	children             []int
}

// usageOf reads what a process holds from /proc; false if the system does not have it.
func usageOf(pid int) (u usage, ok bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	descriptors, _ := os.ReadDir(filepath.Join(dir, "fd"))
	threads, err := os.ReadDir(filepath.Join(dir, "task"))
	statm, _ := os.ReadFile(filepath.Join(dir, "statm"))
	var size, pages int64
	_, _ = fmt.Sscan(string(statm), &size, &pages)
	return usage{len(descriptors), len(threads), pages * int64(os.Getpagesize()), descendants(pid)}, err == nil &&
		pages > 0
}

// descendants returns the processes that pid started, and those that they started.
func descendants(pid int) (out []int) {
	entries, _ := os.ReadDir("/proc")
	parents := map[int]int{}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && running(n) {
			_, parents[n] = status(n)
		}
	}
	for n := range parents {
		p := parents[n]
		for p != 0 && p != pid {
			p = parents[p]
		}
		if p == pid {
			out = append(out, n)
		}
	}
	return out
}

func status(pid int) (state byte, parent int) {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	i := bytes.LastIndexByte(text, ')') // of the name, which may have blanks
	_, _ = fmt.Sscanf(string(text[i+1:]), " %c %d", &state, &parent)
	return state, parent
}

// running reports whether a process is there and does not just wait to be reaped.
func running(pid int) bool {
	state, _ := status(pid)
	return state != 0 && state != 'Z'
}
