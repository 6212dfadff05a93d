package gateway

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is one process, read from /proc/PID/stat (proc_pid_stat(5)). Its start time distinguishes it from a later
// process with the same id.
type Process struct {
	PID  int
	Name string        // of the program, at most 15 bytes
	CPU  time.Duration // user and system time that it has used

	parent  int
	started string // field 22, in clock ticks since boot
	zombie  bool
}

// ticks is the number of units of CPU time in /proc per second, on every Linux.
const ticks = 100

// String names the process.
func (p Process) String() string { return fmt.Sprintf("%s (%d)", p.Name, p.PID) }

// Running returns whether the process is still running.
func (p Process) Running() bool {
	now, ok := readProcess(p.PID)
	return ok && now.started == p.started && !now.zombie
}

// Kill ends the process immediately, as kill -9 does, if it is running.
func (p Process) Kill() {
	if p.Running() {
		if found, err := os.FindProcess(p.PID); err == nil {
			_ = found.Kill() // fails only if it has ended
		}
	}
}

// Memory returns the resident bytes of the process, 0 if it has ended.
func (p Process) Memory() (bytes int) {
	statm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.PID))
	var size, pages int
	_, _ = fmt.Sscan(string(statm), &size, &pages)
	return pages * os.Getpagesize()
}

// readProcess returns false if there is no such process.
func readProcess(pid int) (Process, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	fields := strings.Fields(string(stat[end+1:])) // from field 3, the state
	if len(fields) < 20 {
		return Process{}, false
	}
	number := func(i int) int { n, _ := strconv.Atoi(fields[i]); return n }
	return Process{
		PID: pid, Name: string(stat[open+1 : end]), parent: number(1), started: fields[19], zombie: fields[0] == "Z",
		CPU: time.Duration(number(11)+number(12)) * time.Second / ticks,
	}, true
}

// Family returns the process and its descendants.
func Family(pid int) []Process {
	var family []Process
	if p, ok := readProcess(pid); ok && !p.zombie {
		family = append(family, p)
	}
	return append(family, adapters(pid)...)
}

// parentEnv is the environment variable with the process id of an adapter's gateway.
const parentEnv = "PATCHBAY_PARENT"

// adapters returns the running adapters of a gateway: its children, and orphaned processes that it started.
func adapters(gateway int) []Process {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	mark := fmt.Appendf(nil, "%s=%d\x00", parentEnv, gateway)
	var found []Process
	for _, dir := range folders {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		p, ok := readProcess(pid)
		if !ok || p.zombie {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join(dir, "environ")) // empty for processes of other users
		if p.parent == gateway || bytes.Contains(environ, mark) {
			found = append(found, p)
		}
	}
	return found
}
