package jetstream

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
)

// watermark is the range of sequences that the log held when the watermark was written. If the newest records of the
// log are damaged or missing, the server does not notice it and gives their sequences to new records. A comparison with
// the watermark reveals the loss.
type watermark struct{ first, last uint64 }

func (w watermark) String() string {
	text := fmt.Sprintf("%020d %020d", w.first, w.last)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

// readWatermark returns the watermark in the file, or the zero watermark for a new store.
func (f *folder) readWatermark() (watermark, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, "watermark"))
	if errors.Is(err, fs.ErrNotExist) {
		return watermark{}, nil
	}
	if err != nil {
		return watermark{}, fmt.Errorf("read the watermark: %w", err)
	}
	var w watermark
	if _, err := fmt.Sscanf(string(text), "%d %d", &w.first, &w.last); err != nil || w.String() != string(text) {
		return watermark{}, fmt.Errorf("%w: the watermark is unreadable", store.ErrDamaged)
	}
	return w, nil
}

// writeWatermark replaces the watermark. All watermarks have the same length, so only the first write needs disk space.
// The first write is synced, so that the file always has a watermark after a power cut.
func (f *folder) writeWatermark(w watermark, sync bool) (err error) {
	first := f.watermark == nil
	if first {
		f.watermark, err = os.OpenFile(filepath.Join(f.dir, "watermark"), os.O_WRONLY|os.O_CREATE, 0o600)
	}
	if err == nil {
		_, err = f.watermark.WriteAt([]byte(w.String()), 0)
	}
	if err == nil && (sync || first) {
		err = f.watermark.Sync()
	}
	if err == nil && first {
		err = disk.SyncFolder(f.dir)
	}
	if err != nil {
		return fmt.Errorf("write the watermark: %w", err)
	}
	return nil
}

// updateWatermark writes the current bounds if they have changed. Each append calls it, so that a loss is noticed even
// if the process is killed. A purge calls it with sync before it deletes records, so that these records do not seem to
// be lost after a power cut.
func (l *Log) updateWatermark(sync bool) error {
	l.watermarkMu.Lock()
	defer l.watermarkMu.Unlock()
	b := l.Bounds()
	next := watermark{first: b.First, last: b.Last}
	if next == l.watermark {
		return nil
	}
	if err := l.folder.writeWatermark(next, sync); err != nil {
		return err
	}
	l.watermark = next
	return nil
}
