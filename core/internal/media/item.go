package media

import (
	"container/list"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"patchbay/sdk/envelope"
)

// Item is a cached medium. Its exported fields do not change.
type Item struct {
	ID string // random
	Info
	Expires time.Time

	store    *Store
	source   digest
	sum      digest // of the bytes
	declared string // media type from the vendor
	fetched  time.Time

	verifyMu sync.Mutex
	verified fs.FileInfo // of the file at the last checksum; guarded by verifyMu

	// Guarded by Store.mu.
	element *list.Element // in Store.order; nil after the item is removed
	readers int
}

func (i *Item) hasExpired(now time.Time) bool { return !now.Before(i.Expires) }

// Open opens the medium; the caller closes it. Open items are not evicted. Open fails with ErrGone if the item has
// expired, was evicted, or has a damaged file. It removes an item with a damaged file.
func (i *Item) Open() (io.ReadSeekCloser, error) {
	s := i.store
	s.mu.Lock()
	cached := i.element != nil && !i.hasExpired(s.opt.Now())
	if cached {
		i.readers++
	}
	s.mu.Unlock()
	if !cached {
		return nil, fmt.Errorf("open medium %s: %w", i.ID, ErrGone)
	}
	f, err := i.openFile()
	if err != nil {
		damaged := errors.Is(err, ErrGone)
		if damaged {
			s.opt.Logger.Warn("damaged medium dropped", "id", i.ID, "error", err)
		}
		i.closeReader(damaged)
		return nil, fmt.Errorf("open medium %s: %w", i.ID, err)
	}
	return &reader{File: f, done: sync.OnceFunc(func() { i.closeReader(false) })}, nil
}

func (i *Item) openFile() (*os.File, error) {
	f, err := os.Open(i.store.path(i.ID, dataSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: its file was deleted", ErrGone)
	}
	if err != nil {
		return nil, err
	}
	if err := i.verify(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// verify fails with ErrGone if the file differs from the fetched bytes, for example because another program changed it.
// It computes the checksum once, and again after the file's modification time changes.
func (i *Item) verify(f *os.File) error {
	i.verifyMu.Lock()
	defer i.verifyMu.Unlock()
	info, err := f.Stat()
	if err != nil || info.Size() != i.Size {
		return errors.Join(fmt.Errorf("%w: its file has changed", ErrGone), err)
	}
	if was := i.verified; was != nil && os.SameFile(was, info) && was.ModTime().Equal(info.ModTime()) {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("%w: its file is unreadable: %w", ErrGone, err)
	}
	if digest(h.Sum(nil)) != i.sum {
		return fmt.Errorf("%w: its file has a wrong checksum", ErrGone)
	}
	i.verified = info
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// isIntact reports whether the item can be opened. It removes an item with a damaged file, as Open does, so that lookup
// does not return it any more.
func (i *Item) isIntact() bool {
	r, err := i.Open()
	if err == nil {
		err = r.Close()
	}
	return !errors.Is(err, ErrGone) // other errors do not mean damage; the caller's Open returns them
}

// closeReader counts a closed reader, and removes the item if it is damaged.
func (i *Item) closeReader(damaged bool) {
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	i.readers--
	if damaged {
		i.store.remove(i)
	}
}

// reader is an open item. It can be closed several times.
type reader struct {
	*os.File
	done func()
}

// Close implements io.Closer.
func (r *reader) Close() error {
	defer r.done()
	return r.File.Close()
}

// check checks the item against the type of its part and the limit of the target channel.
func (i *Item) check(part envelope.PartType, limit Limit) error {
	if !matchesPart(part, i.ContentType) {
		return &TypeError{Part: part, Declared: i.declared, Found: i.ContentType}
	}
	if limit.Bytes > 0 && i.Size > limit.Bytes {
		return &TooLargeError{Size: i.Size, Limit: limit.Bytes}
	}
	matches := func(pattern string) bool {
		pattern = strings.ToLower(strings.TrimSpace(pattern))
		family, any := strings.CutSuffix(pattern, "/*")
		return pattern == "*/*" || normalizeType(pattern) == i.ContentType ||
			any && strings.HasPrefix(i.ContentType, family+"/")
	}
	if len(limit.Types) > 0 && !slices.ContainsFunc(limit.Types, matches) {
		return &TypeError{Part: part, Declared: i.declared, Found: i.ContentType, Accepted: limit.Types}
	}
	return nil
}
