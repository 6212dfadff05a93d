package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// takeTerminal moves this process into a separate process group in the foreground of its terminal, if it has one.
// Ctrl-C then does not reach the parent process, such as make, which can still report the exit code. release makes the
// parent's group the foreground group again.
func takeTerminal(fd int) (release func()) {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() || group == os.Getpid() {
		return func() {} // there is no terminal, this is a background job, or the shell has created a group
	}
	// Ctrl-Z would stop only this group, and the parent process would wait for it.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTSTP)
	if unix.Setpgid(0, 0) != nil {
		return func() {}
	}
	// Errors mean that the terminal is closed.
	_ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, os.Getpid())
	return func() { _ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group) }
}
