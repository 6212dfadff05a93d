package writer

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"patchbay/core/internal/journal"
)

// record returns an encoded record with n envelopes of about 1 KiB.
func record(t *testing.T, n int) []byte {
	t.Helper()
	var r journal.Record
	for i := range n {
		r.Envelopes = append(r.Envelopes, &journal.StoredEnvelope{Id: fmt.Sprint("e", i), Envelope: make([]byte, 1024)})
	}
	data, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEnvelopeCacheReadsARecordOnce(t *testing.T) {
	c, data := newEnvelopeCache(1<<20), record(t, 3)
	var reads atomic.Int32
	var calls sync.WaitGroup
	for range 16 {
		calls.Go(func() {
			r, err := c.get(7, func() ([]byte, error) { reads.Add(1); return data, nil })
			if err != nil || len(r.envelopes) != 3 {
				t.Errorf("get = %v, %v, want 3 envelopes", r, err)
			}
		})
	}
	calls.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("the record was read %d times, want once", n)
	}
}

func TestEnvelopeCacheForgetsErrors(t *testing.T) {
	c, data := newEnvelopeCache(1<<20), record(t, 1)
	broken := errors.New("broken")
	if _, err := c.get(7, func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("get = %v, want %v", err, broken)
	}
	if _, err := c.get(7, func() ([]byte, error) { return data, nil }); err != nil {
		t.Errorf("get after an error: %v", err)
	}
}

func TestEnvelopeCacheKeepsUsedRecords(t *testing.T) {
	c, data := newEnvelopeCache(10<<10), record(t, 2) // four records fit
	c.add(1, data)
	for seq := uint64(2); seq < 20; seq++ {
		c.add(seq, data)
		if _, err := c.get(1, func() ([]byte, error) { return nil, errors.New("removed") }); err != nil {
			t.Fatalf("record 1 after %d others: %v", seq-1, err)
		}
		if c.size > c.limit {
			t.Fatalf("the cache has %d bytes, want at most %d", c.size, c.limit)
		}
	}
	if len(c.records) != 4 || c.used.Len() != 4 {
		t.Errorf("the cache has %d records, %d in the list, want 4", len(c.records), c.used.Len())
	}
}
