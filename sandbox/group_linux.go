package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup keeps a child out of the terminal's process group, so that Ctrl-C reaches it by its parent alone, and
// ends it when the thread that started it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// takeTerminal makes this process a group of its own in the foreground of its terminal, if it has one. A program
// that started it, such as make, is then not hit by Ctrl-C and can report how this one ended. The function that it
// returns gives the foreground back.
func takeTerminal(fd int) (giveBack func()) {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() || group == os.Getpid() {
		return func() {} // no terminal, in the background, or the shell has done it already
	}
	// Ctrl-Z would stop this group only, and nobody would notice: whoever waits for it is in the other one.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTSTP)
	if unix.Setpgid(0, 0) != nil {
		return func() {}
	}
	// Errors mean that the terminal is gone, and with it the question who is in front.
	_ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, os.Getpid())
	return func() { _ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group) }
}
