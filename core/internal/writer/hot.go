package writer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
)

// Stored is an envelope as the log has it.
type Stored struct {
	*journal.Stored
	At time.Time // when it was accepted
}

// hot keeps the newest envelopes in memory, up to a number of bytes: deliveries mostly follow at once.
type hot struct {
	mu    sync.Mutex
	limit int
	size  int
	recs  map[uint64]*journal.Record
	order []uint64
}

func newHot(limit int) *hot { return &hot{limit: limit, recs: map[uint64]*journal.Record{}} }

func (h *hot) add(seq uint64, r *journal.Record) {
	if len(r.GetEnvelopes()) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recs[seq] = r
	h.order = append(h.order, seq)
	h.size += recordBytes(r)
	for h.size > h.limit && len(h.order) > 1 {
		old := h.order[0]
		h.order = h.order[1:]
		h.size -= recordBytes(h.recs[old])
		delete(h.recs, old)
	}
}

func recordBytes(r *journal.Record) int {
	n := 128
	for _, e := range r.GetEnvelopes() {
		n += len(e.GetEnvelope()) + 256
	}
	return n
}

func (h *hot) get(seq uint64) *journal.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recs[seq]
}

// Load returns an envelope, from memory or from the log. It is safe for concurrent use. What it returns is shared: read only.
func (w *Writer) Load(ctx context.Context, p conversation.Position) (Stored, error) {
	r := w.hot.get(p.Seq)
	if r == nil {
		data, err := w.Log.Get(ctx, p.Seq)
		if err != nil {
			return Stored{}, fmt.Errorf("read record %d: %w", p.Seq, err)
		}
		r = &journal.Record{}
		if err := proto.Unmarshal(data, r); err != nil {
			return Stored{}, fmt.Errorf("read record %d: %w", p.Seq, err)
		}
	}
	if int(p.Index) >= len(r.GetEnvelopes()) {
		return Stored{}, fmt.Errorf("record %d has no envelope %d", p.Seq, p.Index)
	}
	return Stored{r.GetEnvelopes()[p.Index], time.Unix(0, r.GetAt())}, nil
}
