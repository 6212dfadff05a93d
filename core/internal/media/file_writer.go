package media

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"syscall"

	"patchbay/sdk/envelope"
)

// fileWriter writes a medium to disk during its fetch.
type fileWriter struct {
	store    *Store
	id       string
	file     *os.File
	claimed  Info
	head     []byte // first bytes, for type detection
	sum      hash.Hash
	size     int64 // bytes written
	reserved int64 // bytes reserved in the cache
	err      error // first error of info or chunk
}

// newFileWriter creates the file of a new medium. The caller must call finish or discard.
func (s *Store) newFileWriter() (*fileWriter, error) {
	w := &fileWriter{store: s, id: newID(), head: make([]byte, 0, sniffBytes), sum: sha256.New()}
	if err := w.reserve(diskSize(0)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.path(w.id, tempSuffix), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		s.release(w.reserved)
		return nil, writeError(err)
	}
	w.file = f
	return w, nil
}

// info stores the vendor's claims. It trusts only a claimed size above the limit, to avoid a useless transfer.
func (w *fileWriter) info(claimed Info) error {
	w.claimed = claimed
	if limit := w.store.opt.MaxBytes; claimed.Size > limit {
		w.err = &TooLargeError{Size: claimed.Size, Limit: limit}
	}
	return w.err
}

// chunk writes the next bytes.
func (w *fileWriter) chunk(b []byte) error {
	if w.err == nil {
		w.err = w.write(b)
	}
	return w.err
}

func (w *fileWriter) write(b []byte) error {
	size := w.size + int64(len(b))
	if limit := w.store.opt.MaxBytes; size > limit {
		return &TooLargeError{Size: size, Limit: limit}
	}
	if err := w.reserve(diskSize(size)); err != nil {
		return err
	}
	w.head = append(w.head, b[:min(len(b), sniffBytes-len(w.head))]...)
	if _, err := w.file.Write(b); err != nil {
		return writeError(err)
	}
	_, _ = w.sum.Write(b) // never fails
	w.size = size
	return nil
}

// reserve increases the reserved space to n bytes.
func (w *fileWriter) reserve(n int64) error {
	if n <= w.reserved {
		return nil
	}
	if err := w.store.checkFreeSpace(n - w.reserved); err != nil {
		return err
	}
	if err := w.store.reserve(n - w.reserved); err != nil {
		return err
	}
	w.reserved = n
	return nil
}

// finish returns the complete medium as an item. If finish fails, the caller must call discard.
func (w *fileWriter) finish(source digest, part *envelope.Part) (*Item, error) {
	if err := errors.Join(w.file.Sync(), w.file.Close()); err != nil {
		return nil, writeError(err)
	}
	s := w.store
	declared := normalizeType(w.claimed.ContentType)
	if isGeneric(declared) {
		declared = normalizeType(part.ContentType)
	}
	name := w.claimed.Name
	if cleanName(name) == "" {
		name = part.Name
	}
	now := s.opt.Now().UTC().Round(0)
	i := &Item{
		ID: w.id, Info: Info{Size: w.size}, Expires: now.Add(s.opt.Keep), store: s,
		source: source, declared: declared, fetched: now,
	}
	w.sum.Sum(i.sum[:0])
	i.ContentType = detectType(part.Type, declared, name, w.head)
	i.Name = fileName(part.Type, i.ContentType, name)
	if err := s.commitFiles(i); err != nil {
		return nil, writeError(err)
	}
	return i, nil
}

// discard deletes the files and releases their space.
func (w *fileWriter) discard() error {
	_ = w.file.Close() // fails after finish
	w.store.release(w.reserved)
	return w.store.deleteFiles(w.id)
}

// writeError wraps a write error. A full disk becomes ErrNoRoom.
func writeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return fmt.Errorf("write a medium to disk: %w", err)
}
