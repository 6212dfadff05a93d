package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// MakeFolder creates dir with mode 0700 if necessary, so that it survives a power cut. It returns an error if this process
// cannot read and write all files and folders under dir. The error names the first of them, its owner and the user of
// this process.
func MakeFolder(dir string) error {
	if err := makeFolder(dir); err != nil {
		return err
	}
	return CheckAccess(dir)
}

// makeFolder creates dir and its parents, and syncs the parent of each created folder.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	parent := filepath.Dir(dir)
	switch {
	case err == nil:
		return SyncFolder(parent)
	case errors.Is(err, fs.ErrExist):
		return nil
	case !errors.Is(err, fs.ErrNotExist) || parent == dir:
		return accessError(parent, err)
	}
	if err := makeFolder(parent); err != nil {
		return err
	}
	return makeFolder(dir)
}

// CheckAccess returns an error if this process cannot read and write all files and folders under dir, as described at
// MakeFolder. A missing dir is no error.
func CheckAccess(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if entry == nil { // dir itself
			return accessError(path, err)
		}
		mode := uint32(unix.R_OK | unix.W_OK)
		if entry.IsDir() {
			mode |= unix.X_OK
		}
		if denied := unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS); denied != nil {
			return accessError(path, denied)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // dir is missing, or a file was removed meanwhile
		return nil
	}
	return err
}

// accessError describes why path is not accessible.
func accessError(path string, cause error) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("read and write %s as %s: %w", path, userName(uint32(os.Geteuid())), cause)
	}
	owner := "an unknown user"
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) == nil {
		owner = userName(stat.Uid)
	}
	return fmt.Errorf("read and write %s: %w: it has the owner %s and the mode %s, and this process runs as %s: "+
		"run it as the owner, or change the owner of the folder", path, cause, owner, info.Mode(), userName(uint32(os.Geteuid())))
}

// userName returns the name and the number of a user.
func userName(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	u, err := user.LookupId(number)
	if err != nil {
		return "with the number " + number
	}
	return u.Username + " (" + number + ")"
}
