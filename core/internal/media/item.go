package media

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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

// Item is a medium on disk. Its exported fields do not change.
type Item struct {
	ID string // random
	Info
	Expires time.Time

	store    *Store
	of       digest
	sum      digest // of its bytes
	declared string // media type that the vendor gave
	fetched  time.Time

	checking sync.Mutex
	checked  fs.FileInfo // of the file when its bytes were those of sum; guarded by checking

	// Guarded by store.mu.
	place   *list.Element // nil if the item is not among those that are kept
	readers int
}

// digest is a SHA-256: of a medium's bytes, or of what names a medium of one thread. What the latter is made of is not
// kept: links of vendors may be secrets.
type digest [sha256.Size]byte

func digestOf(req *Request) digest {
	kind, handle := "url", req.Part.URL // links go first, as they do when media are read
	if handle == "" {
		kind, handle = "ref", req.Part.Ref
	}
	h := sha256.New()
	for _, s := range []string{req.Channel, req.Thread, kind, handle} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return digest(h.Sum(nil))
}

func newID() string {
	b := make([]byte, idBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func (i *Item) expired(now time.Time) bool { return !now.Before(i.Expires) }

// Open opens the bytes for reading; whoever does closes them. It fails with ErrGone once the item has expired or had
// to make room, or if its file is not what was written; then the item is no more. What is open is not evicted.
func (i *Item) Open() (io.ReadSeekCloser, error) {
	s := i.store
	s.mu.Lock()
	kept := i.place != nil && !i.expired(s.opt.Now())
	if kept {
		i.readers++
	}
	s.mu.Unlock()
	if !kept {
		return nil, fmt.Errorf("open medium %s: %w", i.ID, ErrGone)
	}
	f, err := i.openFile()
	if err != nil {
		damaged := errors.Is(err, ErrGone)
		if damaged {
			s.opt.Logger.Warn("a kept medium is dropped", "id", i.ID, "error", err)
		}
		i.leave(damaged)
		return nil, fmt.Errorf("open medium %s: %w", i.ID, err)
	}
	return &reading{File: f, leave: sync.OnceFunc(func() { i.leave(false) })}, nil
}

func (i *Item) openFile() (*os.File, error) {
	f, err := os.Open(i.store.path(i.ID, dataSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: somebody has deleted its file", ErrGone)
	}
	if err != nil {
		return nil, err
	}
	if err := i.verify(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// verify fails with ErrGone if the file does not have the bytes that came from the vendor: nothing of it was synced, so a
// power cut may leave others. They are read once, and again when the file was touched.
func (i *Item) verify(f *os.File) error {
	i.checking.Lock()
	defer i.checking.Unlock()
	info, err := f.Stat()
	if err != nil || info.Size() != i.Size {
		return errors.Join(fmt.Errorf("%w: its file has changed", ErrGone), err)
	}
	if was := i.checked; was != nil && os.SameFile(was, info) && was.ModTime().Equal(info.ModTime()) {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("%w: its file can't be read: %w", ErrGone, err)
	}
	if digest(h.Sum(nil)) != i.sum {
		return fmt.Errorf("%w: its file has other bytes than were written", ErrGone)
	}
	i.checked = info
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// sound reports whether the item can still be given out. One that can't is no more.
func (i *Item) sound() bool {
	r, err := i.Open()
	if err == nil {
		err = r.Close()
	}
	return !errors.Is(err, ErrGone) // who opens it will tell of other errors
}

// leave ends a reading; damaged also ends the item.
func (i *Item) leave(damaged bool) {
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	i.readers--
	if damaged {
		i.store.remove(i)
	}
}

// reading is an open item. It may be closed more than once.
type reading struct {
	*os.File
	leave func()
}

// Close implements io.Closer.
func (r *reading) Close() error {
	defer r.leave()
	return r.File.Close()
}

// fits checks the item against what its part says and what the channel takes that it is for.
func (i *Item) fits(part envelope.PartType, limit Limit) error {
	if !agrees(part, i.ContentType) {
		return &TypeError{Part: part, Declared: i.declared, Found: i.ContentType}
	}
	if limit.Bytes > 0 && i.Size > limit.Bytes {
		return &TooLargeError{Size: i.Size, Limit: limit.Bytes}
	}
	taken := func(pattern string) bool {
		pattern = strings.ToLower(strings.TrimSpace(pattern))
		family, any := strings.CutSuffix(pattern, "/*")
		return pattern == "*/*" || normalType(pattern) == i.ContentType || any && strings.HasPrefix(i.ContentType, family+"/")
	}
	if len(limit.Types) > 0 && !slices.ContainsFunc(limit.Types, taken) {
		return &TypeError{Part: part, Declared: i.declared, Found: i.ContentType, Taken: limit.Types}
	}
	return nil
}
