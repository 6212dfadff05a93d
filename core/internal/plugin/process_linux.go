package plugin

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes put the adapter into a group of its own, and have the kernel end it when the thread that
// started it ends: so it does not outlive a gateway that was killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// waitExit returns when the process has ended, and leaves it to be reaped: until then its number, and that of
// its group, belongs to nobody else.
func waitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
