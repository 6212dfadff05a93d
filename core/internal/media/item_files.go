package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"patchbay/core/internal/disk"
)

// An item has two files: its bytes and its metadata. The metadata are written last and deleted first, so that bytes
// without metadata belong to an interrupted fetch.
const (
	dataSuffix     = ".data"
	metadataSuffix = ".json"
	tempSuffix     = disk.TempSuffix // of a file being written

	blockBytes      = 4 << 10
	metadataVersion = 2
	maxMetadata     = 8 << 10
)

// metadata is the content of an item's metadata file. It contains no vendor link and no personal data.
type metadata struct {
	Version     int       `json:"version"`
	ID          string    `json:"id"`
	Source      digest    `json:"source"`
	ContentType string    `json:"content_type"`
	Declared    string    `json:"declared,omitempty"`
	Name        string    `json:"name"`
	Size        int64     `json:"size"`
	SHA256      digest    `json:"sha256"`
	Fetched     time.Time `json:"fetched"`
	Expires     time.Time `json:"expires"`
}

// diskSize returns the disk space of a medium of size bytes: whole blocks, and one block for the metadata.
func diskSize(size int64) int64 { return (size+blockBytes-1)/blockBytes*blockBytes + blockBytes }

func (s *Store) path(id, suffix string) string { return filepath.Join(s.opt.Dir, id+suffix) }

// commitFiles renames the synced bytes of an item and writes its metadata. After that the item survives a power cut.
func (s *Store) commitFiles(i *Item) error {
	text, err := json.Marshal(metadata{
		Version: metadataVersion, ID: i.ID, Source: i.source, ContentType: i.ContentType, Declared: i.declared,
		Name: i.Name, Size: i.Size, SHA256: i.sum, Fetched: i.fetched, Expires: i.Expires,
	})
	if err != nil {
		return fmt.Errorf("encode the metadata: %w", err)
	}
	if err := os.Rename(s.path(i.ID, tempSuffix), s.path(i.ID, dataSuffix)); err != nil {
		return err
	}
	return disk.ReplaceVia(s.path(i.ID, tempSuffix), s.path(i.ID, metadataSuffix), text)
}

// deleteFiles deletes the files of an item that exist.
func (s *Store) deleteFiles(id string) error {
	var errs []error
	for _, suffix := range []string{metadataSuffix, dataSuffix, tempSuffix} {
		if err := os.Remove(s.path(id, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
