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

// MakeFolder creates dir with mode 0700 if necessary, so that it survives a power cut. It returns an error if this
// process cannot read and write the folder. Unlike CheckAccess, it ignores the content, which can belong to others,
// such as the folder lost+found of a volume.
func MakeFolder(dir string) error {
	if err := makeFolder(dir); err != nil {
		return err
	}
	return checkAccess(dir, true)
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

// CheckAccess returns an error if this process cannot read and write a file, or a folder and everything in it. The
// error names the first inaccessible file, its owner and the user of this process. A missing path is no error.
func CheckAccess(path string) error {
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if entry == nil { // the root of the walk
			return accessError(path, err)
		}
		if denied := checkAccess(path, entry.IsDir()); denied != nil {
			return denied
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // the path is missing, or a file was removed meanwhile
		return nil
	}
	return err
}

// checkAccess checks one file or folder.
func checkAccess(path string, folder bool) error {
	mode := uint32(unix.R_OK | unix.W_OK)
	if folder {
		mode |= unix.X_OK
	}
	if err := unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS); err != nil {
		return accessError(path, err)
	}
	return nil
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
		"run it as the owner, or change the owner of the folder",
		path, cause, owner, info.Mode(), userName(uint32(os.Geteuid())))
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
