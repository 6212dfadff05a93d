package plugin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A socket's path must fit into sockaddr_un: 104 bytes on the strictest system, with the final zero.
const (
	maxSocketPath  = 103
	socketNameSize = len("/plugin") + len("4294967295")
)

// tempPrefix begins the names of folders for sockets in the system's temporary directory; the owner's process id
// follows.
const tempPrefix = "patchbay-"

// started is when this process began, with room for the coarse clock of file systems.
var started = time.Now().Add(-time.Second)

// ClaimRuntimeDir returns a folder below parent for the sockets of this process's adapters, for Options.RuntimeDir, and
// removes what processes that were killed have left there and in the system's temporary directory. Adapters make the
// folder when they need it; the caller must release it after all have stopped.
func ClaimRuntimeDir(parent string) (dir string, release func() error) {
	SweepTemp()
	if abs, err := filepath.Abs(parent); err == nil {
		parent = abs
	}
	sweep(parent, "")
	dir = filepath.Join(parent, strconv.Itoa(os.Getpid()))
	return dir, func() error { return os.RemoveAll(dir) }
}

// SweepTemp removes the folders for sockets that processes that were killed have left in the system's temporary
// directory.
func SweepTemp() { sweep(tempParent(), tempPrefix) }

// sweep removes the folders in parent that are named after a process that is no more. What can't be removed, such as
// another user's, stays: it harms nobody.
func sweep(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		owner, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(owner)
		if ours && err == nil && pid > 0 && e.IsDir() && orphaned(e, pid) {
			_ = os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}

// orphaned reports whether a folder's owner has ended. In a container a gateway often gets the number of the one before.
func orphaned(e os.DirEntry, pid int) bool {
	if pid == os.Getpid() {
		info, err := e.Info()
		return err == nil && info.ModTime().Before(started)
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// socketDir makes the private folder of one instance.
func socketDir(o *Options, instance int) (string, error) {
	dir := filepath.Join(o.RuntimeDir, o.Name, "i"+strconv.Itoa(instance))
	if o.RuntimeDir == "" || len(dir)+socketNameSize > maxSocketPath || os.MkdirAll(dir, 0o700) != nil {
		return tempSocketDir() // also if the disk is full: adapters must come back all the same
	}
	return dir, nil
}

func tempSocketDir() (string, error) {
	dir, err := os.MkdirTemp(tempParent(), tempPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return "", fmt.Errorf("make the socket folder: %w", err)
	}
	return dir, nil
}

func tempParent() string {
	parent := os.TempDir()
	if len(parent)+len("/"+tempPrefix+"4194304-4294967295")+socketNameSize > maxSocketPath {
		return "/tmp"
	}
	return parent
}
