package media

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"patchbay/core/internal/disk"
)

const (
	keyFile  = "key"
	keyBytes = 32
)

// openKey reads the key that signs links, or creates it. It replaces a damaged or world-readable key, which invalidates
// earlier links. The group may read the key, because mounted volumes often set that permission.
func openKey(dir string, log *slog.Logger) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createKey(path)
	case err != nil:
		return nil, fmt.Errorf("read the signing key: %w", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o007 != 0 || info.Size() != keyBytes:
		log.Warn("signing key of media links was damaged or world-readable and is replaced; earlier links are invalid",
			"file", path)
		return createKey(path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	if len(key) != keyBytes {
		return nil, fmt.Errorf("read the signing key: %s has changed during the start", path)
	}
	return key, nil
}

// createKey writes a new key atomically and syncs it.
func createKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails
	if err := disk.Replace(path, key); err != nil {
		return nil, fmt.Errorf("write the signing key: %w", err)
	}
	return key, nil
}
