package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"patchbay/sdk/protocol"
)

// Process is one process; its start time tells it from a later one with the same id.
type Process struct {
	PID     int
	Name    string // of the program, without its folder
	parent  int
	started string // field 22 of /proc/PID/stat, in clock ticks since boot
	zombie  bool
}

// String names the process.
func (p Process) String() string { return fmt.Sprintf("%s (%d)", p.Name, p.PID) }

// Running reports whether the process has not ended.
func (p Process) Running() bool {
	now, ok := readProcess(p.PID)
	return ok && now.started == p.started && !now.zombie
}

// Kill ends the process at once, as kill -9 does.
func (p Process) Kill(t testing.TB) {
	t.Helper()
	if p.Running() {
		if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
			t.Fatalf("kill %s: %v", p, err)
		}
	}
}

// readProcess reads /proc/PID/stat (proc_pid_stat(5)); false if there is no such process.
func readProcess(pid int) (Process, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	text := string(stat)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	fields := strings.Fields(text[end+1:]) // from field 3, the state
	if len(fields) < 20 {
		return Process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return Process{}, false
	}
	p := Process{PID: pid, Name: text[open+1 : end], parent: parent, started: fields[19], zombie: fields[0] == "Z"}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		p.Name = strings.TrimSuffix(filepath.Base(exe), " (deleted)")
	}
	return p, true
}

// family returns the gateway's adapters: its children, and whoever was started by it and lost it.
func family(gateway int) []Process {
	mark := []byte(protocol.ParentEnv + "=" + strconv.Itoa(gateway))
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var found []Process
	for _, dir := range folders {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		p, ok := readProcess(pid)
		if !ok || p.zombie {
			continue
		}
		if p.parent == gateway || hasVariable(dir, mark) {
			found = append(found, p)
		}
	}
	return found
}

func hasVariable(dir string, mark []byte) bool {
	environ, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil {
		return false
	}
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(v, mark) {
			return true
		}
	}
	return false
}
