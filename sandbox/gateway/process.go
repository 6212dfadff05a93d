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

// Kill sends SIGKILL to the process if it is running.
func (p Process) Kill() {
	if p.Running() {
		_ = syscall.Kill(p.PID, syscall.SIGKILL) // fails only if it has ended
	}
}

// readProcess returns the process with this id, and false if it is not running.
func readProcess(pid int) (Process, bool) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return Process{}, false
	}
	stat, err := proc.Stat()
	return Process{stat}, err == nil && stat.State != "Z"
}

// ProcessTree returns a gateway's process and its plugin processes, if they are running.
func ProcessTree(pid int) []Process {
	family := pluginProcesses(pid)
	if p, ok := readProcess(pid); ok {
		family = append([]Process{p}, family...)
	}
	return family
}

// pluginProcesses returns the running plugin processes of a gateway: its children, and orphaned processes that it
// started. The gateway sets the environment variable PATCHBAY_PARENT of its plugin processes.
func pluginProcesses(gateway int) []Process {
	all, _ := procfs.AllProcs() // a system without /proc has none
	parent := fmt.Sprintf("PATCHBAY_PARENT=%d", gateway)
	var found []Process
	for _, proc := range all {
		environ, _ := proc.Environ() // empty for processes of other users
		if p, ok := readProcess(proc.PID); ok && (p.PPID == gateway || slices.Contains(environ, parent)) {
			found = append(found, p)
		}
	}
	return found
}
