package jetstream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// A snapshot is a run of messages in a stream of its own: pieces of at most pieceSize bytes with the buckets one after
// the other, then the manifest in the same way, then one commit. Only the commit makes it a snapshot. A bucket that
// didn't change stays where an earlier snapshot has put it. The two newest snapshots are kept.

// pieceSize is the most that one message of a snapshot holds. Together with the header it stays under the largest
// payload that a server takes by default, 1 MiB.
const pieceSize = 960 << 10

// blob is where some bytes lie: from an offset in the message First on, through as many further messages as it takes.
type blob struct {
	First  uint64 `json:"first"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
	Sum    []byte `json:"sum"` // SHA-256
}

// manifest lists what a snapshot consists of.
type manifest struct {
	Reflects uint64          `json:"reflects"`
	Meta     []byte          `json:"meta,omitempty"`
	Buckets  map[uint32]blob `json:"buckets"`

	commit uint64 // the sequence of the commit
	floor  uint64 // the lowest sequence that the snapshot needs
}

// commit is the last message of a snapshot.
type commit struct {
	Reflects uint64 `json:"reflects"`
	Manifest blob   `json:"manifest"`
	Former   uint64 `json:"former,omitempty"` // the sequence of the commit before
}

// live adds up the sizes of the buckets.
func (m *manifest) live() (total uint64) {
	for _, b := range m.Buckets {
		total += uint64(b.Size)
	}
	return total
}

// place notes where the snapshot lies.
func (m *manifest) place(c commit, at uint64) {
	m.commit, m.floor = at, c.Manifest.First
	for _, b := range m.Buckets {
		m.floor = min(m.floor, b.First)
	}
}

// newestCommit returns the commit of the newest snapshot; the zero commit if there is none that can be read, which is
// for LoadSnapshot to report.
func (l *Log) newestCommit(ctx context.Context, e *engine) (commit, error) {
	_, c, err := lastCommit(ctx, e, l.names.snapshotCommit)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
		return commit{}, nil
	}
	return c, err
}

func lastCommit(ctx context.Context, e *engine, subject string) (at uint64, _ commit, _ error) {
	m, err := e.snapshotStream.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, js.ErrMsgNotFound):
		return 0, commit{}, store.ErrNotFound
	case err != nil:
		return 0, commit{}, fmt.Errorf("%w: ask for the newest snapshot: %w", store.ErrUnavailable, err)
	}
	c, err := decodeCommit(m.Data)
	return m.Sequence, c, err
}

func decodeCommit(text []byte) (commit, error) {
	var c commit
	if err := json.Unmarshal(text, &c); err != nil {
		return commit{}, fmt.Errorf("%w: the commit can't be read: %w", store.ErrDamaged, err)
	}
	return c, nil
}

// blobReader reads blobs; neighbours share the message that was read last.
type blobReader struct {
	stream js.Stream
	seq    uint64
	piece  []byte
}

// read returns the bytes of b, or an error that matches store.ErrDamaged if they aren't what was written.
func (r *blobReader) read(ctx context.Context, b blob) ([]byte, error) {
	data := make([]byte, 0, max(b.Size, 0))
	offset := b.Offset
	for seq := b.First; len(data) < b.Size; seq++ {
		if err := r.load(ctx, seq); err != nil {
			return nil, err
		}
		if offset < 0 || offset >= len(r.piece) {
			return nil, fmt.Errorf("%w: message %d has %d bytes, not %d", store.ErrDamaged, seq, len(r.piece), offset)
		}
		rest := r.piece[offset:]
		data = append(data, rest[:min(len(rest), b.Size-len(data))]...)
		offset = 0
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], b.Sum) {
		return nil, fmt.Errorf("%w: the checksum of %d bytes from message %d on is wrong", store.ErrDamaged, b.Size, b.First)
	}
	return data, nil
}

func (r *blobReader) load(ctx context.Context, seq uint64) error {
	if r.seq == seq && seq != 0 {
		return nil
	}
	piece, err := getMessage(ctx, r.stream, seq)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: message %d is missing", store.ErrDamaged, seq)
	}
	if err != nil {
		return err
	}
	r.seq, r.piece = seq, piece
	return nil
}

// byPlace orders the numbers of buckets by where they lie, so that a reader meets each message once.
func byPlace(of map[uint32]blob) func(a, b uint32) int {
	return func(a, b uint32) int {
		x, y := of[a], of[b]
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Offset, y.Offset))
	}
}
