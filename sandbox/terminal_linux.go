package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// takeTerminal makes this process a separate group in the foreground of its terminal, if it has one. Ctrl-C then does
// not reach the program that started it, such as make, which can report how this one ended. The returned function gives
// the foreground back.
func takeTerminal(fd int) (giveBack func()) {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() || group == os.Getpid() {
		return func() {} // no terminal, in the background, or done by the shell already
	}
	// Ctrl-Z would stop this group only, while the program that waits for it is in the other one.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTSTP)
	if unix.Setpgid(0, 0) != nil {
		return func() {}
	}
	// Errors mean that the terminal is closed.
	_ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, os.Getpid())
	return func() { _ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group) }
}
