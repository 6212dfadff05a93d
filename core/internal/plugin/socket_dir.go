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

// A socket's path must fit into sockaddr_un, which has 104 bytes on the strictest system, with the final zero byte.
const (
	maxSocketPath  = 103
	socketNameSize = len("/plugin") + len("4294967295")
)

// tempPrefix is the prefix of socket folders in the system's temporary directory, before the owner's process id.
const tempPrefix = "patchbay-"

// processStart is the start of this process, less the resolution of file times.
var processStart = time.Now().Add(-time.Second)

// ClaimRuntimeDir returns a folder below parent for Options.RuntimeDir, and removes the socket folders of killed
// gateways, below parent and in the system's temporary directory. The first start of a process creates the returned
// folder. The caller calls release after all adapters have stopped.
func ClaimRuntimeDir(parent string) (dir string, release func() error) {
	SweepTemp()
	if abs, err := filepath.Abs(parent); err == nil {
		parent = abs
	}
	sweep(parent, "")
	dir = filepath.Join(parent, strconv.Itoa(os.Getpid()))
	return dir, func() error { return os.RemoveAll(dir) }
}

// SweepTemp removes the socket folders of killed gateways in the system's temporary directory.
func SweepTemp() { sweep(tempParent(), tempPrefix) }

// sweep removes the folders in parent that are named after a process which has ended. It ignores folders that cannot be
// removed, such as another user's.
func sweep(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		owner, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(owner)
		if ours && err == nil && pid > 0 && e.IsDir() && hasEnded(pid, e) {
			_ = os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}

// hasEnded reports whether the owner of a folder has ended. In a container, a gateway often has the process id of the
// previous one. A folder with the id of this process is therefore old if it was made before this process started.
func hasEnded(pid int, folder os.DirEntry) bool {
	if pid == os.Getpid() {
		info, err := folder.Info()
		return err == nil && info.ModTime().Before(processStart)
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// socketDir creates the private socket folder of an instance.
func socketDir(o *Options, instance int) (string, error) {
	dir := filepath.Join(o.RuntimeDir, o.Name, "i"+strconv.Itoa(instance))
	if o.RuntimeDir == "" || len(dir)+socketNameSize > maxSocketPath || os.MkdirAll(dir, 0o700) != nil {
		return tempSocketDir() // also if the disk is full, because adapters must be able to restart
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
