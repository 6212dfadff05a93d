package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// Buckets of a snapshot. Conversations are distributed by a hash of their ids.
const (
	convBuckets       = 256
	bucketDeadLetters = convBuckets
	bucketPending     = convBuckets + 1
	bucketChannels    = convBuckets + 2
	bucketIDs         = convBuckets + 3 // the first of idPages
	snapshotFormat    = 4
)

func bucketOf(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32() % convBuckets
}

// ErrFormat means that a snapshot has an older format, which this program does not read.
var ErrFormat = errors.New("a snapshot of an older format")

// Snapshot contains the changed buckets of a state at one moment. It can be encoded while the state changes.
type Snapshot struct {
	lease    uint64
	revision Revision
	at       time.Time
	buckets  map[uint32]any
}

type snapshotMeta struct {
	Format   int      `json:"format"`
	Lease    uint64   `json:"lease"`
	At       int64    `json:"at,omitempty"` // of the newest record, in nanoseconds
	Revision Revision `json:"revision,omitzero"`
}

// snapshotChannel is the state of one channel.
type snapshotChannel struct {
	Channel string `json:"ch"`
	Cursor  []byte `json:"c,omitempty"`
	Pause   *Pause `json:"p,omitempty"`
}

// Snapshot returns the buckets that have changed since the last call. It is fast: it copies only pointers and ranges
// of bytes.
func (s *State) Snapshot() *Snapshot {
	out := &Snapshot{lease: s.lease, revision: s.revision, at: s.at, buckets: map[uint32]any{}}
	for bucket := range s.changed {
		switch {
		case bucket < convBuckets:
			out.buckets[bucket] = s.convs.snapshot(bucket)
		case bucket >= bucketIDs:
			out.buckets[bucket] = s.ids.snapshot(bucket)
		}
	}
	if s.changed[bucketDeadLetters] {
		out.buckets[bucketDeadLetters] = slices.Collect(maps.Values(s.deadLetters))
	}
	if s.changed[bucketPending] {
		out.buckets[bucketPending] = slices.Collect(maps.Values(s.pending))
	}
	if s.changed[bucketChannels] {
		out.buckets[bucketChannels] = s.snapshotChannels()
	}
	clear(s.changed)
	return out
}

// MarkChanged marks a snapshot's buckets as changed again. Call it if the snapshot could not be saved.
func (s *State) MarkChanged(snapshot *Snapshot) {
	for bucket := range snapshot.buckets {
		s.changed[bucket] = true
	}
}

// Encode returns the encoded buckets and the metadata. It may run on any goroutine.
func (s *Snapshot) Encode() (buckets map[uint32][]byte, meta []byte, err error) {
	buckets = make(map[uint32][]byte, len(s.buckets))
	for bucket, list := range s.buckets {
		if page, ok := list.(*pageSnapshot); ok {
			buckets[bucket] = page.encode()
		} else if buckets[bucket], err = json.Marshal(list); err != nil {
			return nil, nil, fmt.Errorf("encode bucket %d: %w", bucket, err)
		}
	}
	meta, err = json.Marshal(snapshotMeta{
		Format: snapshotFormat, Lease: s.lease, At: s.at.UnixNano(), Revision: s.revision,
	})
	return buckets, meta, err
}

func (s *State) snapshotChannels() []snapshotChannel {
	list := make([]snapshotChannel, 0, len(s.cursors)+len(s.pauses))
	for ch, cursor := range s.cursors {
		list = append(list, snapshotChannel{Channel: ch, Cursor: cursor})
	}
	for ch, pause := range s.pauses {
		list = append(list, snapshotChannel{Channel: ch, Pause: pause})
	}
	return list
}
