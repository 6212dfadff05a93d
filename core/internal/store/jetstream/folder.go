package jetstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/store"
)

// formatVersion is the version of the layout of a store. It grows when an older program could misread what this one
// writes.
const formatVersion = 1

// format is the file that says what wrote a store.
type format struct {
	Version int `json:"version"`
	// Streams are those that were created. One that is listed and not found is damage, never a reason to create it.
	Streams []string `json:"streams"`
}

// folder is the claim of one process on the folder of a store.
type folder struct {
	dir  string
	lock *os.File
}

// openFolder creates the folder if need be and claims it for this process.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder: %w", err)
	}
	path := filepath.Join(dir, "lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	switch err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		holder, _ := io.ReadAll(io.LimitReader(lock, 32))
		return nil, errors.Join(fmt.Errorf("%w: process %s holds %s: stop it, or use another folder",
			store.ErrLocked, strings.TrimSpace(string(holder)), path), lock.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
	}
	f := &folder{dir: dir, lock: lock}
	if err := f.sign(); err != nil {
		return nil, errors.Join(err, f.release())
	}
	return f, nil
}

// sign writes the id of this process into the lock file, for whoever finds it locked. The width
// is fixed so that it needs no new block on a disk that is full.
func (f *folder) sign() error {
	if _, err := f.lock.WriteAt(fmt.Appendf(nil, "%-10d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// release gives up the claim. The lock file stays: removing it would let two processes lock two files of one name.
func (f *folder) release() error { return f.lock.Close() }

// format reads the format file; a store that is new has the zero format.
func (f *folder) format() (format, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, "format.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return format{}, nil
	}
	if err != nil {
		return format{}, fmt.Errorf("read format.json: %w", err)
	}
	var got format
	if err := json.Unmarshal(text, &got); err != nil {
		return format{}, fmt.Errorf("%w: format.json: %w", store.ErrDamaged, err)
	}
	if got.Version > formatVersion {
		return format{}, fmt.Errorf("%w: it is %d and this program reads up to %d: run the version that wrote it",
			store.ErrNewer, got.Version, formatVersion)
	}
	return got, nil
}

// setFormat replaces the format file, so that a crash leaves either the former or the new one.
func (f *folder) setFormat(next format) error {
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode format.json: %w", err)
	}
	path := filepath.Join(f.dir, "format.json")
	if err := writeSynced(path+".new", text); err != nil {
		return fmt.Errorf("write format.json: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write format.json: %w", err)
	}
	return syncDir(f.dir)
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	return nil
}
