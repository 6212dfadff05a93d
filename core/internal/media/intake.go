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

// intake writes one medium to disk while it comes.
type intake struct {
	store   *Store
	id      string
	file    *os.File
	claimed Info
	head    []byte // the first bytes, to tell the type from
	sum     hash.Hash
	size    int64 // bytes written
	held    int64 // room reserved
	refusal error // why the medium is not taken
}

// receive opens a file for a medium that comes. Either finish or discard ends it.
func (s *Store) receive() (*intake, error) {
	in := &intake{store: s, id: newID(), head: make([]byte, 0, sniffBytes), sum: sha256.New()}
	if err := in.hold(room(0)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.path(in.id, tempSuffix), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		s.release(in.held)
		return nil, written(err)
	}
	in.file = f
	return in, nil
}

// info takes what the vendor claims. Only a size that can't do is believed, to spare the reading.
func (in *intake) info(claimed Info) error {
	in.claimed = claimed
	if most := in.store.opt.MaxBytes; claimed.Size > most {
		in.refusal = &TooLargeError{Size: claimed.Size, Limit: most}
	}
	return in.refusal
}

// chunk takes the next bytes.
func (in *intake) chunk(b []byte) error {
	if in.refusal == nil {
		in.refusal = in.write(b)
	}
	return in.refusal
}

func (in *intake) write(b []byte) error {
	size := in.size + int64(len(b))
	if most := in.store.opt.MaxBytes; size > most {
		return &TooLargeError{Size: size, Limit: most}
	}
	if err := in.hold(room(size)); err != nil {
		return err
	}
	in.head = append(in.head, b[:min(len(b), sniffBytes-len(in.head))]...)
	if _, err := in.file.Write(b); err != nil {
		return written(err)
	}
	_, _ = in.sum.Write(b) // never fails
	in.size = size
	return nil
}

// hold reserves room up to n bytes.
func (in *intake) hold(n int64) error {
	if n <= in.held {
		return nil
	}
	if err := in.store.spare(n - in.held); err != nil {
		return err
	}
	if err := in.store.reserve(n - in.held); err != nil {
		return err
	}
	in.held = n
	return nil
}

// finish makes an item of what has come. After an error, discard is still to be called.
func (in *intake) finish(of digest, part *envelope.Part) (*Item, error) {
	if err := in.file.Close(); err != nil {
		return nil, written(err)
	}
	s := in.store
	declared := normalType(in.claimed.ContentType)
	if generic(declared) {
		declared = normalType(part.ContentType)
	}
	name := in.claimed.Name
	if cleanName(name) == "" {
		name = part.Name
	}
	now := s.opt.Now().UTC().Round(0)
	i := &Item{
		ID: in.id, Info: Info{Size: in.size}, Expires: now.Add(s.opt.Keep), store: s, of: of, declared: declared, fetched: now,
	}
	in.sum.Sum(i.sum[:0])
	i.ContentType = typeOf(part.Type, declared, name, in.head)
	i.Name = nameOf(part.Type, i.ContentType, name)
	if err := s.publish(i); err != nil {
		return nil, written(err)
	}
	return i, nil
}

// discard deletes what was written and gives its room back.
func (in *intake) discard() error {
	_ = in.file.Close() // finish may have
	in.store.release(in.held)
	return in.store.deleteFiles(in.id)
}

// written words an error of writing.
func written(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return fmt.Errorf("write a medium to disk: %w", err)
}
