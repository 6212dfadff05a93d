package jetstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
)

// formatVersion is the version of the store's layout. Increase it when an older or newer program could misread the
// layout.
const formatVersion = 2

// format is the content of format.json.
type format struct {
	Version int `json:"version"`
	// Streams lists the created streams. If the log is one of them but its folder is missing, the store is damaged. A
	// missing snapshot stream is created again.
	Streams []string `json:"streams"`
	// Sum is the checksum of the fields above. Stores of earlier builds have none.
	Sum string `json:"sum,omitempty"`
}

// sum returns the checksum of the other fields.
func (f format) sum() string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE(fmt.Append(nil, f.Version, f.Streams)))
}

// currentFormat is the format of the stores that this program creates.
func currentFormat() format {
	f := format{Version: formatVersion, Streams: []string{logStream, snapshotStream}}
	f.Sum = f.sum()
	return f
}

// format reads the format file. If the file is missing or damaged, the version is zero and Streams lists the streams
// whose folders exist. A new store has the zero format.
func (f *folder) format() (got format, err error) {
	text, err := os.ReadFile(filepath.Join(f.dir, "format.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return format{}, fmt.Errorf("read format.json: %w", err)
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Version == 0 || got.Sum != "" && got.Sum != got.sum() {
		got = format{}
		for _, stream := range currentFormat().Streams {
			if _, err := os.Stat(streamFolder(f.dir, stream)); err == nil {
				got.Streams = append(got.Streams, stream)
			}
		}
		return got, nil
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
