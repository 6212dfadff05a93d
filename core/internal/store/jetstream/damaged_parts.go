package jetstream

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/jetstream/blockfile"
)

const (
	// damagedFolder keeps the damaged parts of repaired block files until an operator deletes them.
	damagedFolder = "damaged"
	// maxDamaged limits the bytes of the contents that Damaged returns.
	maxDamaged = 4 << 20
)

// keepDamaged copies a block file, from the first damaged byte on, to the folder of damaged blocks.
func (l *Log) keepDamaged(path, stream string, offset int) error {
	folder := filepath.Join(l.options.Dir, damagedFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	block, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s-%d-%s", stream, filepath.Base(path), offset, time.Now().UTC().Format("20060102T150405.000"))
	return disk.Replace(filepath.Join(folder, name), block[offset:])
}

func (l *Log) logDamages(path string, torn bool, damages []blockfile.Damage) {
	for _, d := range damages {
		at := []any{"file", path, "offset", d.Offset, "bytes", d.Size, "copy", filepath.Join(l.options.Dir, damagedFolder)}
		switch {
		case d.Corrected:
			l.logger.Warn("store corrected a wrong bit in a stored record; check the disk and the memory", at...)
		case torn:
			l.logger.Warn("store removed an incomplete record at the end of the log, which a crash can leave", at...)
		default:
			l.logger.Error("store removed damaged records and kept all others; check the disk", at...)
		}
	}
}

// keepReadable keeps the contents of removed records for Damaged. The content of a record follows the blank line that
// ends its headers. The length of the headers may be damaged, so each blank line in the part counts as such an end.
// This also gives contents that are useless.
func (l *Log) keepReadable(block []byte, damages []blockfile.Damage) {
	blank := []byte("\r\n\r\n")
	left := maxDamaged
	for _, d := range l.damaged {
		left -= len(d.Record)
	}
	for _, d := range damages {
		if d.Corrected {
			continue
		}
		_, rest, found := bytes.Cut(block[d.Offset:d.Offset+d.Size], blank)
		for found && left > 0 {
			record := bytes.Clone(rest[:min(len(rest), store.MaxRecord)])
			l.damaged = append(l.damaged, store.Damaged{After: d.After, Record: record})
			left -= len(record)
			_, rest, found = bytes.Cut(rest, blank)
		}
	}
}

// Damaged implements [store.Log].
func (l *Log) Damaged() []store.Damaged { return l.damaged }
