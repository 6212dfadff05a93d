package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// TempSuffix ends the name of the temporary file of Replace. A crash can leave this file behind.
const TempSuffix = ".part"

// Replace writes a file with mode 0600 atomically and syncs it: after a crash the file has either the old or the new
// content.
func Replace(path string, content []byte) error { return ReplaceVia(path+TempSuffix, path, content) }

// ReplaceVia is Replace with another name for the temporary file.
func ReplaceVia(temp, path string, content []byte) error {
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder syncs a folder. After that, a power cut does not undo the creation, renaming or removal of files in it.
func SyncFolder(path string) error { return SyncFile(path) }

// SyncFile syncs a file.
func SyncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
