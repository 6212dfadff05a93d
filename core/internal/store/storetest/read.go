package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"patchbay/core/internal/store"
)

func readsRanges(t *testing.T, h *Harness) {
	if got := readAll(t, h.Log, 1); got != nil {
		t.Errorf("Read(1) of an empty log = %v, want nothing", got)
	}
	fill(t, h.Log, 1, 700, 20)
	wantRecords(t, h.Log, 0, 1, 700, 20)
	wantRecords(t, h.Log, 1, 1, 700, 20)
	wantRecords(t, h.Log, 257, 257, 700, 20)
	wantRecords(t, h.Log, 700, 700, 700, 20)
	if got := readAll(t, h.Log, 701); got != nil {
		t.Errorf("Read(701) beyond the end = %v, want nothing", got)
	}
}

func readStops(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 10, 20)
	stop := errors.New("enough")
	var seen int
	err := h.Log.Read(patient(t), 1, func(seq uint64, _ []byte) error {
		if seen++; seq == 4 {
			return stop
		}
		return nil
	})
	if err != stop || seen != 4 {
		t.Errorf("Read(1) = %v after %d records, want the very error of fn after 4", err, seen)
	}
}

func readsBesideAppends(t *testing.T, h *Harness) {
	const n, total = 200, 400
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-done:
					return
				default:
				}
				upTo := h.Log.Bounds().Last
				next := uint64(1)
				err := h.Log.Read(patient(t), 1, func(seq uint64, data []byte) error {
					if seq != next || !bytes.Equal(data, record(seq, n)) {
						t.Errorf("Read beside appends handed out %d with %d bytes, want record %d", seq, len(data), next)
					}
					next = seq + 1
					return nil
				})
				if err != nil || next <= upTo {
					t.Errorf("Read beside appends ended before %d with %v, want at least up to %d", next, err, upTo)
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

func appendsInsideRead(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 5, 20)
	var seen []uint64
	err := h.Log.Read(patient(t), 3, func(seq uint64, data []byte) error {
		seen = append(seen, seq)
		kept := bytes.Clone(data)
		got, err := h.Log.Get(patient(t), seq)
		if err != nil || !bytes.Equal(got, kept) {
			t.Errorf("Get(%d) inside Read = %q, %v, want %q, nil", seq, got, err, kept)
		}
		last := h.Log.Bounds().Last
		return h.Log.Append(patient(t), last, record(last+1, 20))
	})
	if err != nil || len(seen) != 3 {
		t.Errorf("Read(3) = %v with %v, want nil and what was there at the call: 3, 4, 5", err, seen)
	}
	wantRecords(t, h.Log, 1, 1, 8, 20)
}

func getsRecords(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 10, 500)
	if err := h.Log.Purge(patient(t), 4); err != nil {
		t.Fatalf("Purge(4) = %v, want nil", err)
	}
	for _, seq := range []uint64{0, 1, 3, 11} {
		if got, err := h.Log.Get(patient(t), seq); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get(%d) = %d bytes, %v, want ErrNotFound", seq, len(got), err)
		}
	}
	for _, seq := range []uint64{4, 10} {
		if got, err := h.Log.Get(patient(t), seq); err != nil || !bytes.Equal(got, record(seq, 500)) {
			t.Errorf("Get(%d) = %d bytes, %v, want the record", seq, len(got), err)
		}
	}
}

func purges(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 300, 400)
	before := h.Log.Bounds().Bytes
	for _, at := range []uint64{0, 1, 201, 100, 201} {
		if err := h.Log.Purge(patient(t), at); err != nil {
			t.Fatalf("Purge(%d) = %v, want nil", at, err)
		}
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
		t.Errorf("Health().Missing = %v, want none: a purge explains itself", missing)
	}
}

func purgesEverything(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 10, 400)
	if err := h.Log.Purge(patient(t), 99); err != nil {
		t.Fatalf("Purge(99) = %v, want nil", err)
	}
	wantBounds(t, h.Log, 11, 10)
	if got := readAll(t, h.Log, 1); got != nil {
		t.Errorf("Read(1) = %v, want nothing", got)
	}
	log := h.Reopen(t)
	wantBounds(t, log, 11, 10)
	fill(t, log, 11, 12, 400)
	wantBounds(t, log, 11, 12)
	wantRecords(t, log, 1, 11, 12, 400)
}
