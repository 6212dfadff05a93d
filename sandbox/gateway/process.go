package gateway

import (
	"fmt"
	"slices"
	"syscall"

	"github.com/prometheus/procfs"
)

// Process is one running process.
type Process struct{ procfs.ProcStat }

// String returns the name of the program, at most 15 bytes, and the id.
func (p Process) String() string { return fmt.Sprintf("%s (%d)", p.Comm, p.PID) }

// Running returns whether the process is still running. A later process with the same id has another start time.
func (p Process) Running() bool {
	now, ok := readProcess(p.PID)
	return ok && now.Starttime == p.Starttime
}

// Kill ends the process immediately, as kill -9 does, if it is running.
func (p Process) Kill() {
	if p.Running() {
		_ = syscall.Kill(p.PID, syscall.SIGKILL) // fails only if it has ended
	}
}

// readProcess returns false if no such process is running.
func readProcess(pid int) (Process, bool) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return Process{}, false
	}
	stat, err := proc.Stat()
	return Process{stat}, err == nil && stat.State != "Z"
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
		if p, ok := readProcess(proc.PID); ok && (p.PPID == gateway || slices.Contains(environ, mark)) {
			found = append(found, p)
		}
	}
	return found
}
