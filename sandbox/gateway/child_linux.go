package gateway

import "syscall"

// childAttributes places a child process in a separate process group, so that Ctrl-C does not reach it. The child gets
// SIGTERM when the thread that started it ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
