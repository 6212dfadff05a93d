package plugin

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes put the adapter into its own process group. The kernel kills it when the thread that started it
// ends, so that it does not outlive a killed gateway.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// waitExit waits for the end of a process without reaping it, so that its process id and group id stay reserved.
func waitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
