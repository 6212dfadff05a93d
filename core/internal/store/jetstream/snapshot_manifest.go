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

// A snapshot is a sequence of messages in the snapshot stream: the concatenated buckets in pieces of at most pieceSize
// bytes, then the manifest in the same form, then one commit message. A snapshot without a commit does not count. An
// unchanged bucket stays where an earlier snapshot wrote it. The store keeps the two newest snapshots.

// pieceSize is the size limit of a message of a snapshot. With its header the message stays below the server's default
// limit of 1 MiB.
const pieceSize = 960 << 10

// blob locates stored bytes: they start at Offset in the message First and continue in the following messages.
type blob struct {
	First  uint64 `json:"first"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
	Sum    []byte `json:"sum"` // SHA-256
}

// manifest locates the buckets of a snapshot.
type manifest struct {
	LastRecord uint64          `json:"last_record"`
	Meta       []byte          `json:"meta,omitempty"`
	Buckets    map[uint32]blob `json:"buckets"`

	commit uint64 // sequence of the commit message
	floor  uint64 // lowest sequence that the snapshot needs
}

// commit is the content of the last message of a snapshot.
type commit struct {
	LastRecord uint64 `json:"last_record"`
	Manifest   blob   `json:"manifest"`
	Previous   uint64 `json:"previous,omitempty"` // sequence of the previous commit message
}

// size returns the total size of the buckets.
func (m *manifest) size() (total uint64) {
	for _, b := range m.Buckets {
		total += uint64(b.Size)
	}
	return total
}

// setPlace sets the sequences of the commit message and of the first message that the snapshot needs.
func (m *manifest) setPlace(c commit, at uint64) {
	m.commit, m.floor = at, c.Manifest.First
	for _, b := range m.Buckets {
		m.floor = min(m.floor, b.First)
	}
}

// newestCommit returns the commit of the newest snapshot, or the zero commit if there is none or it is damaged, which
// LoadSnapshot reports.
func newestCommit(ctx context.Context, e *engine) (commit, error) {
	_, c, err := lastCommit(ctx, e)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
		return commit{}, nil
	}
	return c, err
}

func lastCommit(ctx context.Context, e *engine) (at uint64, _ commit, _ error) {
	m, err := e.snapshotStream.GetLastMsgForSubject(ctx, snapshotCommit)
	switch {
	case errors.Is(err, js.ErrMsgNotFound):
		return 0, commit{}, store.ErrNotFound
	case err != nil:
		return 0, commit{}, fmt.Errorf("%w: read the newest snapshot: %w", store.ErrUnavailable, err)
	}
	c, err := decodeCommit(m.Data)
	return m.Sequence, c, err
}

func decodeCommit(text []byte) (commit, error) {
	var c commit
	if err := json.Unmarshal(text, &c); err != nil {
		return commit{}, fmt.Errorf("%w: decode the commit: %w", store.ErrDamaged, err)
	}
	return c, nil
}

// blobReader reads blobs. It keeps the last message for the next blob.
type blobReader struct {
	stream js.Stream
	seq    uint64
	piece  []byte
}

// read returns the bytes of b. It fails with store.ErrDamaged if a message is missing or the checksum differs.
func (r *blobReader) read(ctx context.Context, b blob) ([]byte, error) {
	data := make([]byte, 0, max(b.Size, 0))
	offset := b.Offset
	for seq := b.First; len(data) < b.Size; seq++ {
		if err := r.load(ctx, seq); err != nil {
			return nil, err
		}
		if offset < 0 || offset >= len(r.piece) {
			return nil, fmt.Errorf("%w: message %d has %d bytes, and the blob starts at %d", store.ErrDamaged, seq, len(r.piece), offset)
		}
		rest := r.piece[offset:]
		data = append(data, rest[:min(len(rest), b.Size-len(data))]...)
		offset = 0
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], b.Sum) {
		return nil, fmt.Errorf("%w: wrong checksum of %d bytes starting at message %d", store.ErrDamaged, b.Size, b.First)
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

// byPlace orders bucket numbers by position in the stream, so that a blobReader reads each message once.
func byPlace(of map[uint32]blob) func(a, b uint32) int {
	return func(a, b uint32) int {
		x, y := of[a], of[b]
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Offset, y.Offset))
	}
}
