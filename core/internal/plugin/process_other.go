//go:build unix && !linux

package plugin

import (
	"syscall"
	"time"
)

// processAttributes put the adapter into a group of its own. The adapter itself watches whether its gateway lives.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// exitPoll is how soon the end of a process is seen where the kernel can't be asked to wait for it.
const exitPoll = 20 * time.Millisecond

// waitExit returns when the process has ended, and leaves it to be reaped. There is no portable call for that;
// signalling a group whose only member waits to be reaped fails, which is seen within exitPoll.
func waitExit(pid int) {
	t := time.NewTicker(exitPoll)
	defer t.Stop()
	for range t.C {
		if syscall.Kill(-pid, 0) != nil {
			return
		}
	}
}
