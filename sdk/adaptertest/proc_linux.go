package adaptertest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// usage is what a process holds.
type usage struct {
	descriptors int
	threads     int
	bytes       int64 // resident
	children    []int
}

// usageOf reads what a process holds from /proc; false means that it can't be read.
func usageOf(pid int) (usage, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return usage{}, false
	}
	tasks, err := os.ReadDir(filepath.Join(dir, "task"))
	if err != nil {
		return usage{}, false
	}
	statm, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return usage{}, false
	}
	u := usage{descriptors: len(fds), threads: len(tasks), children: descendants(pid)}
	var size, resident int64
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return usage{}, false
	}
	u.bytes = resident * int64(os.Getpagesize())
	return u, true
}

// descendants returns the processes that pid started, and those that they started.
func descendants(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	parents := map[int]int{}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if state, parent := statusOf(n); state != 'Z' && parent != 0 {
			parents[n] = parent
		}
	}
	var out []int
	for n := range parents {
		for p := parents[n]; p != 0; p = parents[p] {
			if p == pid {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// statusOf returns the state and the parent of a process, 0 if there is none.
func statusOf(pid int) (state byte, parent int) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, 0
	}
	_, rest, ok := bytes.Cut(text, []byte(") ")) // behind the name, which may have blanks
	if i := bytes.LastIndex(text, []byte(") ")); ok {
		rest = text[i+2:]
	}
	words := strings.Fields(string(rest))
	if len(words) < 2 {
		return 0, 0
	}
	parent, err = strconv.Atoi(words[1])
	if err != nil {
		return 0, 0
	}
	return words[0][0], parent
}

// running reports whether a process is there and not just waiting to be reaped.
func running(pid int) bool {
	state, _ := statusOf(pid)
	return state != 0 && state != 'Z'
}
