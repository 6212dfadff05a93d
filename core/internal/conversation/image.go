package conversation

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
)

// Buckets of a snapshot: conversations by hash, dead letters, orphans, cursors. Format 1 had no cursors.
const (
	convBuckets   = 256
	bucketDead    = convBuckets
	bucketOrphans = convBuckets + 1
	bucketCursors = convBuckets + 2
	imageFormat   = 2
)

func bucketOf(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32() % convBuckets
}

// Image is a book at one moment, to be encoded while the book goes on.
type Snapshot struct {
	term  uint64
	parts map[uint32]any
}

type imageMeta struct {
	Format int    `json:"format"`
	Term   uint64 `json:"term"`
}

// Image returns the buckets that changed since the last call, and starts counting anew. It copies
// pointers only, so it is quick.
func (b *State) Snapshot() *Snapshot {
	im := &Snapshot{term: b.term, parts: map[uint32]any{}}
	convs := map[uint32][]*Conversation{}
	for bucket := range b.dirty {
		if bucket < convBuckets {
			convs[bucket] = []*Conversation{}
		}
	}
	for id, c := range b.convs {
		bucket := bucketOf(id)
		if list, ok := convs[bucket]; ok {
			convs[bucket] = append(list, c)
		}
	}
	for bucket, list := range convs {
		im.parts[bucket] = list
	}
	if b.dirty[bucketDead] {
		im.parts[bucketDead] = slices.Collect(maps.Values(b.dead))
	}
	if b.dirty[bucketOrphans] {
		list := make([]*PendingEnvelope, 0, len(b.orphans))
		for _, o := range b.orphans {
			list = append(list, o)
		}
		im.parts[bucketOrphans] = list
	}
	if b.dirty[bucketCursors] {
		im.parts[bucketCursors] = b.cursorImages()
	}
	clear(b.dirty)
	return im
}

// Spoil marks the image's buckets as changed again, for when it could not be saved.
func (b *State) MarkChanged(im *Snapshot) {
	for bucket := range im.parts {
		b.dirty[bucket] = true
	}
}

// Encode returns the image's buckets and its description. It may run on any goroutine.
func (im *Snapshot) Encode() (buckets map[uint32][]byte, meta []byte, err error) {
	buckets = make(map[uint32][]byte, len(im.parts))
	for bucket, part := range im.parts {
		if buckets[bucket], err = json.Marshal(part); err != nil {
			return nil, nil, fmt.Errorf("encode bucket %d: %w", bucket, err)
		}
	}
	meta, err = json.Marshal(imageMeta{Format: imageFormat, Term: im.term})
	return buckets, meta, err
}

// Restore fills an empty book from a snapshot.
func (b *State) Restore(buckets map[uint32][]byte, meta []byte) error {
	var m imageMeta
	if err := json.Unmarshal(meta, &m); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if m.Format > imageFormat {
		return fmt.Errorf("read snapshot: format %d is newer than this program's %d; start the newer version", m.Format, imageFormat)
	}
	b.term = m.Term
	for bucket, data := range buckets {
		if err := b.restoreBucket(bucket, data); err != nil {
			return fmt.Errorf("read snapshot bucket %d: %w", bucket, err)
		}
	}
	clear(b.dirty)
	return nil
}

func (b *State) restoreBucket(bucket uint32, data []byte) error {
	switch bucket {
	case bucketDead:
		var list []*DeadLetter
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		for _, d := range list {
			b.dead[d.Delivery.ID] = d
		}
	case bucketOrphans:
		var list []*PendingEnvelope
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		for _, o := range list {
			b.orphans[o.Pos] = o
			b.waiting.add(o, 1)
			heap.Push(&b.deadlines, deadline{o.Deadline, o.Pos})
		}
	case bucketCursors:
		var list []cursorImage
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		for _, c := range list {
			b.cursors[c.Channel] = c.Cursor
		}
	default:
		var list []*Conversation
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		for _, c := range list {
			b.adoptRestored(c)
		}
	}
	return nil
}

func (b *State) adoptRestored(c *Conversation) {
	if c.Threads == nil {
		c.Threads = map[string]*Thread{}
	}
	b.convs[c.ID] = c
	for ch, th := range c.Threads {
		if !th.Reassigned {
			b.threads[ThreadKey{ch, th.ID}] = c.ID
		}
	}
	for _, f := range c.FormerThreads {
		b.threads[ThreadKey{f.Channel, f.Thread}] = c.ID
	}
}
