package writer

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// envelopeCache keeps the encoded envelopes of the records that were committed or used last, up to limit bytes. The
// envelopes of a record are delivered at about the same time, so a record is seldom read from the log twice. The cache
// is safe for concurrent use.
type envelopeCache struct {
	mu      sync.Mutex
	limit   int
	size    int
	records map[uint64]*list.Element
	used    list.List // of *cachedRecord, last used first
}

// cachedRecord contains the envelopes of a record. Once guards err, at and envelopes; the cache's lock guards size.
type cachedRecord struct {
	seq       uint64
	once      sync.Once
	err       error
	at        time.Time
	envelopes [][]byte // encoded journal.StoredEnvelope
	size      int      // 0 while it is being read
}

func newEnvelopeCache(limit int) *envelopeCache {
	return &envelopeCache{limit: limit, records: map[uint64]*list.Element{}}
}

// add adds a committed record.
func (c *envelopeCache) add(seq uint64, data []byte) {
	_, _ = c.get(seq, func() ([]byte, error) { return data, nil })
}

// get returns a record. Concurrent calls for a record that is not in the cache read it once.
func (c *envelopeCache) get(seq uint64, read func() ([]byte, error)) (*cachedRecord, error) {
	r := c.use(seq)
	r.once.Do(func() {
		data, err := read()
		if err == nil {
			err = r.scan(data)
		}
		r.err = err
		c.countSize(r)
	})
	return r, r.err
}

// use returns the record with the sequence, and marks it as last used. It adds an empty one if the cache has none.
func (c *envelopeCache) use(seq uint64) *cachedRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.records[seq]
	if e == nil {
		e = c.used.PushFront(&cachedRecord{seq: seq})
		c.records[seq] = e
	}
	c.used.MoveToFront(e)
	return e.Value.(*cachedRecord)
}

// countSize counts the size of a record that was read. Over the limit, it removes the records that were not used for
// the longest time. It also removes a record that could not be read.
func (c *envelopeCache) countSize(r *cachedRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.records[r.seq]
	if e == nil || e.Value != r { // removed while it was being read
		return
	}
	if r.err != nil {
		c.remove(e)
		return
	}
	r.size = 256
	for _, b := range r.envelopes {
		r.size += len(b) + 24
	}
	c.size += r.size
	for c.size > c.limit && c.used.Len() > 1 {
		c.remove(c.used.Back())
	}
}

func (c *envelopeCache) remove(e *list.Element) {
	r := c.used.Remove(e).(*cachedRecord)
	delete(c.records, r.seq)
	c.size -= r.size
}

// scan copies the envelopes of an encoded record, without its changes.
func (r *cachedRecord) scan(data []byte) error {
	at, envelopes, err := journal.ScanEnvelopes(data)
	r.at, r.envelopes = time.Unix(0, at), envelopes
	kept := slices.Concat(envelopes...)
	for i, b := range envelopes {
		envelopes[i], kept = kept[:len(b):len(b)], kept[len(b):]
	}
	return err
}

// Load returns an envelope from memory or from the log. It is safe for concurrent use.
func (w *Writer) Load(ctx context.Context, p state.Position) (attempt.Stored, error) {
	r, err := w.recent.get(p.Seq, func() ([]byte, error) {
		return w.Log.Get(context.WithoutCancel(ctx), p.Seq) // other callers may wait for the record too
	})
	if err != nil {
		return attempt.Stored{}, fmt.Errorf("read record %d: %w", p.Seq, err)
	}
	if int(p.Index) >= len(r.envelopes) {
		return attempt.Stored{}, fmt.Errorf("record %d has no envelope %d", p.Seq, p.Index)
	}
	var e journal.StoredEnvelope
	if err := e.UnmarshalVT(r.envelopes[p.Index]); err != nil {
		return attempt.Stored{}, fmt.Errorf("read envelope %d of record %d: %w", p.Index, p.Seq, err)
	}
	return attempt.Stored{StoredEnvelope: &e, At: r.at}, nil
}
