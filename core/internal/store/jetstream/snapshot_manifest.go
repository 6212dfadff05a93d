package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// A snapshot is a sequence of messages in the snapshot stream: the concatenated buckets in pieces of at most pieceSize
// bytes, then the manifest in the same form, then one commit message. A snapshot without a commit is ignored. An
// unchanged bucket stays where an earlier snapshot wrote it. The store keeps the two newest snapshots.

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

// newestCommit returns the commit of the newest snapshot, or the zero commit if there is none or it is damaged.
// LoadSnapshot reports the damage.
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
