package jetstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
)

// formatVersion is the version of the store's layout. Increase it when one program could misread the layout of another.
const formatVersion = 2

// format is the content of format.json.
type format struct {
	Version int `json:"version"`
	// Streams lists the created streams. If one of them is missing, the store is damaged; it is never created again.
	Streams []string `json:"streams"`
}

// format reads the format file. A new store has the zero format.
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
		return format{}, fmt.Errorf("%w: decode format.json: %w", store.ErrDamaged, err)
	}
	if got.Version > formatVersion {
		return format{}, fmt.Errorf("%w: it has version %d and this program reads up to %d: run the version that wrote it",
			store.ErrNewer, got.Version, formatVersion)
	}
	if got.Version < formatVersion {
		return format{}, fmt.Errorf("%w: it has version %d and this program reads %d: run the version that wrote it, "+
			"or move the folder away to start with an empty store", store.ErrOlder, got.Version, formatVersion)
	}
	return got, nil
}

// setFormat replaces the format file atomically.
func (f *folder) setFormat(next format) error {
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode format.json: %w", err)
	}
	if err := disk.Replace(filepath.Join(f.dir, "format.json"), text); err != nil {
		return fmt.Errorf("write format.json: %w", err)
	}
	return nil
}
