package gateway

import "syscall"

// childAttributes keep a child out of the terminal's process group, so that Ctrl-C reaches it through its parent only,
// and end it when the thread that started it ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
