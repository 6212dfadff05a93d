package media

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

const (
	keyFile  = "key"
	keyBytes = 32
)

// openKey reads the key that signs links, or makes it. One that is damaged, or that every user could have read, is
// replaced: links that were given out end then, and nothing else is lost. The owner's group may read it, since mounted
// volumes are often made so.
func openKey(dir string, log *slog.Logger) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return makeKey(path)
	case err != nil:
		return nil, fmt.Errorf("read the key: %w", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o007 != 0 || info.Size() != keyBytes:
		log.Warn("made a new key for links to media, the former is damaged or readable by everybody; links given out so far end",
			"file", path)
		return makeKey(path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if len(key) != keyBytes {
		return nil, fmt.Errorf("read the key: %s has changed meanwhile", path)
	}
	return key, nil
}

// makeKey is atomic and lasting: after a crash there is the former file or the new one.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	if err := replaceSynced(path, key); err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return key, nil
}

func replaceSynced(path string, content []byte) error {
	temp := path + tempSuffix
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
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
