package writer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// envelopeCache keeps the newest records' envelopes in memory, up to limit bytes. Most deliveries need them soon. It is
// safe for concurrent use.
type envelopeCache struct {
	mu    sync.Mutex
	limit int
	size  int
	recs  map[uint64]cachedRecord
	order []uint64
}

type cachedRecord struct {
	envelopes []*journal.StoredEnvelope
	at        int64
	size      int
}

func newEnvelopeCache(limit int) *envelopeCache {
	return &envelopeCache{limit: limit, recs: map[uint64]cachedRecord{}}
}

func (c *envelopeCache) add(seq uint64, r *journal.Record) {
	if len(r.GetEnvelopes()) == 0 {
		return
	}
	rec := cachedRecord{envelopes: r.GetEnvelopes(), at: r.GetAt(), size: 128}
	for _, e := range rec.envelopes {
		rec.size += len(e.GetEnvelope()) + 256
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recs[seq] = rec
	c.order = append(c.order, seq)
	c.size += rec.size
	for c.size > c.limit && len(c.order) > 1 {
		old := c.order[0]
		c.order = c.order[1:]
		c.size -= c.recs[old].size
		delete(c.recs, old)
	}
}

func (c *envelopeCache) get(seq uint64) (cachedRecord, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.recs[seq]
	return r, ok
}

// Load returns an envelope from memory or from the log. It is safe for concurrent use. The result is shared and read
// only.
func (w *Writer) Load(ctx context.Context, p state.Position) (attempt.Stored, error) {
	r, ok := w.recent.get(p.Seq)
	if !ok {
		data, err := w.Log.Get(ctx, p.Seq)
		if err != nil {
			return attempt.Stored{}, fmt.Errorf("read record %d: %w", p.Seq, err)
		}
		var rec journal.Record
		if err := rec.UnmarshalVT(data); err != nil {
			return attempt.Stored{}, fmt.Errorf("read record %d: %w", p.Seq, err)
		}
		r = cachedRecord{envelopes: rec.GetEnvelopes(), at: rec.GetAt()}
	}
	if int(p.Index) >= len(r.envelopes) {
		return attempt.Stored{}, fmt.Errorf("record %d has no envelope %d", p.Seq, p.Index)
	}
	return attempt.Stored{StoredEnvelope: r.envelopes[p.Index], At: time.Unix(0, r.at)}, nil
}
