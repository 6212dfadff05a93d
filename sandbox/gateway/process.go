package gateway

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/procfs"
)

// Process is one process. Its start time distinguishes it from a later process with the same id.
type Process struct {
	PID  int
	Name string        // of the program, at most 15 bytes
	CPU  time.Duration // user and system time that it has used

	stat procfs.ProcStat
}

// String names the process.
func (p Process) String() string { return fmt.Sprintf("%s (%d)", p.Name, p.PID) }

// Running returns whether the process is still running.
func (p Process) Running() bool {
	now, ok := readProcess(p.PID)
	return ok && now.stat.Starttime == p.stat.Starttime
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
func (p Process) Memory() int {
	now, _ := readProcess(p.PID)
	return now.stat.ResidentMemory()
}

// readProcess returns false if no such process is running.
func readProcess(pid int) (Process, bool) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return Process{}, false
	}
	stat, err := proc.Stat()
	if err != nil || stat.State == "Z" {
		return Process{}, false
	}
	used := time.Duration(stat.CPUTime() * float64(time.Second))
	return Process{PID: pid, Name: stat.Comm, CPU: used, stat: stat}, true
}

// Family returns the process and its descendants.
func Family(pid int) []Process {
	family := adapters(pid)
	if p, ok := readProcess(pid); ok {
		family = append([]Process{p}, family...)
	}
	return family
}

// adapters returns the running adapters of a gateway: its children, and orphaned processes that it started, which have
// the environment variable PATCHBAY_PARENT.
func adapters(gateway int) []Process {
	all, _ := procfs.AllProcs() // a system without /proc has none
	mark := fmt.Sprintf("PATCHBAY_PARENT=%d", gateway)
	var found []Process
	for _, proc := range all {
		environ, _ := proc.Environ() // empty for processes of other users
		if p, ok := readProcess(proc.PID); ok && (p.stat.PPID == gateway || slices.Contains(environ, mark)) {
			found = append(found, p)
		}
	}
	return found
}
