package jetstream

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"patchbay/core/internal/store"
)

// mark is a lower bound of what the log must hold. The server drops the rest of a block that is damaged, and if that
// was the newest one it goes on from there as if nothing had been: only the mark tells.
type mark struct{ first, last uint64 }

func (m mark) String() string {
	text := fmt.Sprintf("%020d %020d", m.first, m.last)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

// mark reads the mark; a store that is new has the zero mark.
func (f *folder) mark() (mark, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, "mark"))
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, fmt.Errorf("read the mark: %w", err)
	}
	var m mark
	if _, err := fmt.Sscanf(string(text), "%d %d", &m.first, &m.last); err != nil || m.String() != string(text) {
		return mark{}, fmt.Errorf("%w: the mark can't be read", store.ErrDamaged)
	}
	return m, nil
}

// setMark replaces the mark. All marks have one length, so this needs no room on the disk but the first time.
func (f *folder) setMark(m mark, sync bool) error {
	file, err := os.OpenFile(filepath.Join(f.dir, "mark"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	_, err = file.WriteString(m.String())
	if err == nil && sync {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	return nil
}

// setMark notes what the log holds. A purge syncs it first, so that a power cut doesn't make what was purged look lost.
func (l *Log) setMark(sync bool) error {
	l.marking.Lock()
	defer l.marking.Unlock()
	b := l.Bounds()
	next := mark{first: b.First, last: b.Last}
	if next == l.marked {
		return nil
	}
	if err := l.folder.setMark(next, sync); err != nil {
		return err
	}
	l.marked = next
	return nil
}
