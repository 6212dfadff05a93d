package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"patchbay/core/internal/store"
)

func testReadRanges(t *testing.T, h *Harness) {
	if got := readAll(t, h.Log, 1); got != nil {
		t.Errorf("Read(1) of an empty log = %v, want no records", got)
	}
	fill(t, h.Log, 1, 700, 20)
	wantRecords(t, h.Log, 0, 1, 700, 20)
	for _, from := range []uint64{1, 257, 700, 701} {
		wantRecords(t, h.Log, from, from, 700, 20)
	}
}

func testReadStops(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 10, 20)
	stop := errors.New("stop")
	var seen int
	err := h.Log.Read(withTimeout(t), 1, func(seq uint64, _ []byte) error {
		if seen++; seq == 4 {
			return stop
		}
		return nil
	})
	if err != stop || seen != 4 {
		t.Errorf("Read(1) = %v after %d records, want the unwrapped error of fn after 4", err, seen)
	}
}

func testReadDuringAppends(t *testing.T, h *Harness) {
	const n, total = 200, 400
	readOnce := func() error {
		newest := h.Log.Bounds().Last
		next := uint64(1)
		err := h.Log.Read(withTimeout(t), 1, func(seq uint64, data []byte) error {
			if seq != next || !bytes.Equal(data, record(seq, n)) {
				return fmt.Errorf("got record %d with %d bytes, want record %d", seq, len(data), next)
			}
			next++
			return nil
		})
		if err == nil && next <= newest {
			err = fmt.Errorf("ended before record %d, want all records up to %d", next, newest)
		}
		return err
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := readOnce(); err != nil {
					t.Errorf("Read during appends: %v", err)
					return
				}
			}
		})
	}
	fill(t, h.Log, 1, total, n)
	close(done)
	readers.Wait()
	if missing := h.Log.Health().Missing; missing != nil {
		t.Errorf("Health().Missing = %v, want none", missing)
	}
}

func testCallsInsideRead(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 5, 20)
	var seen []uint64
	err := h.Log.Read(withTimeout(t), 3, func(seq uint64, data []byte) error {
		seen = append(seen, seq)
		kept := bytes.Clone(data)
		got, err := h.Log.Get(withTimeout(t), seq)
		if err != nil || !bytes.Equal(got, kept) {
			t.Errorf("Get(%d) inside Read = %q, %v, want %q, nil", seq, got, err, kept)
		}
		last := h.Log.Bounds().Last
		return h.Log.Append(withTimeout(t), last, record(last+1, 20))
	})
	if err != nil || len(seen) != 3 {
		t.Errorf("Read(3) = %v with %v, want nil and the records at the time of the call: 3, 4, 5", err, seen)
	}
	wantRecords(t, h.Log, 1, 1, 8, 20)
}

func testGet(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 10, 500)
	purge(t, h.Log, 4)
	for _, seq := range []uint64{0, 1, 3, 11} {
		_, err := h.Log.Get(withTimeout(t), seq)
		wantError(t, fmt.Sprintf("Get(%d)", seq), err, store.ErrNotFound)
	}
	for _, seq := range []uint64{4, 10} {
		if got, err := h.Log.Get(withTimeout(t), seq); err != nil || !bytes.Equal(got, record(seq, 500)) {
			t.Errorf("Get(%d) = %d bytes, %v, want the record", seq, len(got), err)
		}
	}
}

func testPurge(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 300, 400)
	before := h.Log.Bounds().Bytes
	for _, at := range []uint64{0, 1, 201, 100, 201} {
		purge(t, h.Log, at)
	}
	wantBounds(t, h.Log, 201, 300)
	if got := h.Log.Bounds().Bytes; got >= before/2 {
		t.Errorf("Bounds().Bytes = %d after purging two thirds of %d, want less than half", got, before)
	}
	wantRecords(t, h.Log, 1, 201, 300, 400)
	wantRecords(t, h.Log, 250, 250, 300, 400)
	fill(t, h.Log, 301, 310, 400)
	wantRecords(t, h.Log, 1, 201, 310, 400)
	if missing := h.Log.Health().Missing; missing != nil {
		t.Errorf("Health().Missing = %v, want none: purged records are not missing", missing)
	}
}

func testPurgeAll(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 10, 400)
	purge(t, h.Log, 99)
	wantBounds(t, h.Log, 11, 10)
	if got := readAll(t, h.Log, 1); got != nil {
		t.Errorf("Read(1) = %v, want no records", got)
	}
	log := h.Reopen(t)
	wantBounds(t, log, 11, 10)
	fill(t, log, 11, 12, 400)
	wantBounds(t, log, 11, 12)
	wantRecords(t, log, 1, 11, 12, 400)
}
