package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"patchbay/sandbox/simulator"
)

// process is one running process; the start time tells it from a later one with the same id.
type process struct {
	pid     int
	parent  int
	started string // field 22 of /proc/PID/stat, in clock ticks since boot
	name    string
	zombie  bool
}

func (p process) String() string { return fmt.Sprintf("%s (%d)", p.name, p.pid) }

// readProcess reads /proc/PID/stat (proc_pid_stat(5)), and returns false if there is no such process.
func readProcess(pid int) (process, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	open, end := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(string(stat[end+1:])) // from field 3, state
	if len(fields) < 20 {
		return process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return process{}, false
	}
	return process{
		pid: pid, parent: parent, started: fields[19], name: string(stat[open+1 : end]), zombie: fields[0] == "Z",
	}, true
}

// descendants returns the children of pid, and theirs. Where there is no /proc it finds none.
func descendants(pid int) []process {
	children := map[int][]process{}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		id, err := strconv.Atoi(filepath.Base(e))
		if err != nil {
			continue
		}
		if p, ok := readProcess(id); ok {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	found := children[pid]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].pid]...)
	}
	return found
}

// survivors returns which of family still run after a moment of grace.
func survivors(ctx context.Context, family []process) []process {
	var left []process
	for range 20 {
		left = nil
		for _, p := range family {
			if p.running() {
				left = append(left, p)
			}
		}
		if len(left) == 0 || simulator.Sleep(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	return left
}

func (p process) running() bool {
	now, ok := readProcess(p.pid)
	return ok && now.started == p.started && !now.zombie
}

func (p process) kill() {
	if !p.running() {
		return
	}
	if found, err := os.FindProcess(p.pid); err == nil {
		_ = found.Kill() // fails only if it is gone
	}
}
