//go:build unix && !linux

package plugin

import (
	"syscall"
	"time"
)

// processAttributes put the adapter into its own process group. The adapter itself watches for the end of its gateway.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// exitPoll is the interval at which waitExit checks whether a process has ended.
const exitPoll = 20 * time.Millisecond

// waitExit waits for the end of a process without reaping it. There is no portable call for that, so it polls: a signal
// to a group whose only member has ended fails.
func waitExit(pid int) {
	t := time.NewTicker(exitPoll)
	defer t.Stop()
	for range t.C {
		if syscall.Kill(-pid, 0) != nil {
			return
		}
	}
}
