package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"patchbay/core/internal/store"
)

func appendsInOrder(t *testing.T, h *Harness) {
	wantBounds(t, h.Log, 1, 0)
	if !h.Log.Bounds().Empty() {
		t.Error("Bounds().Empty() of a new log = false, want true")
	}
	fill(t, h.Log, 1, 20, 100)
	wantBounds(t, h.Log, 1, 20)
	wantRecords(t, h.Log, 1, 1, 20, 100)
	if got := h.Log.Bounds().Bytes; got < 2000 {
		t.Errorf("Bounds().Bytes = %d after 2000 bytes, want at least as many", got)
	}
	if got := h.Log.Health(); !got.Writable || got.Reason != "" || got.Free == 0 || got.Missing != nil {
		t.Errorf("Health() = %+v, want a log that is writable and whole", got)
	}
}

func appendIsGuarded(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	for _, last := range []uint64{0, 2, 4} {
		if err := h.Log.Append(patient(t), last, []byte("stray")); !errors.Is(err, store.ErrFenced) {
			t.Errorf("Append(%d) to a log that ends at 3 = %v, want ErrFenced", last, err)
		}
	}
	fill(t, h.Log, 4, 4, 10)

	h.Intrude(t, []byte("intruder"))
	if err := h.Log.Append(patient(t), 4, []byte("fenced")); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("Append(4) after another writer = %v, want ErrFenced", err)
	}
	last, err := h.Log.Recover(patient(t))
	if err != nil || last != 5 {
		t.Fatalf("Recover() = %d, %v, want 5, nil", last, err)
	}
	got := readAll(t, h.Log, 5)
	if len(got) != 1 || string(got[0].Data) != "intruder" {
		t.Errorf("Read(5) = %v, want the record of the other writer alone", got)
	}
}

func appendChecksSize(t *testing.T, h *Harness) {
	for _, n := range []int{0, store.MaxRecord + 1} {
		if err := h.Log.Append(patient(t), 0, make([]byte, n)); !errors.Is(err, store.ErrRecordSize) {
			t.Errorf("Append of %d bytes = %v, want ErrRecordSize", n, err)
		}
	}
	fill(t, h.Log, 1, 2, store.MaxRecord)
	wantRecords(t, h.Log, 1, 1, 2, store.MaxRecord)
}

func appendWithEndedContext(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 1, 10)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Log.Append(ended, 1, []byte("late")); err == nil {
		t.Fatal("Append with an ended context = nil, want an error")
	}
	last, err := h.Log.Recover(patient(t))
	if err != nil || last != 1 {
		t.Fatalf("Recover() = %d, %v, want 1, nil", last, err)
	}
	fill(t, h.Log, 2, 2, 10)
}

func refusesWhenFull(t *testing.T, h *Harness) {
	const n = 64 << 10
	var last uint64
	var err error
	for last = 0; last < 1000; last++ {
		if err = h.Log.Append(patient(t), last, record(last+1, n)); err != nil {
			break
		}
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("Append(%d) = %v, want ErrFull at the cap", last, err)
	}
	if b := h.Log.Bounds(); b.Bytes > b.Cap || b.Bytes+2*n < b.Cap {
		t.Errorf("Bounds() = %+v, want Bytes just under Cap", b)
	}
	wantRecords(t, h.Log, 1, 1, last, n)

	if err := h.Log.Purge(patient(t), last-2); err != nil {
		t.Fatalf("Purge = %v, want nil", err)
	}
	fill(t, h.Log, last+1, last+20, n)
	wantRecords(t, h.Log, 1, last-2, last+20, n)
}

func recovers(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	last := uint64(3)
	for _, stored := range []bool{true, false, true} {
		h.Doubt(t, stored)
		doubtful := record(last+1, 10)
		if err := h.Log.Append(patient(t), last, doubtful); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("Append(%d) in doubt = %v, want ErrUnavailable", last, err)
		}
		if err := h.Log.Append(patient(t), last, doubtful); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("Append(%d) before Recover = %v, want ErrUnavailable", last, err)
		}
		if got := h.Log.Health(); got.Writable || got.Reason == "" {
			t.Errorf("Health() in doubt = %+v, want a reason not to write", got)
		}
		got, err := h.Log.Recover(patient(t))
		want := last
		if stored {
			want++
		}
		if err != nil || got != want {
			t.Fatalf("Recover() after an append that was stored=%t = %d, %v, want %d, nil", stored, got, err, want)
		}
		last = got
		if got := h.Log.Health(); !got.Writable {
			t.Errorf("Health() after Recover = %+v, want writable", got)
		}
		fill(t, h.Log, last+1, last+1, 10)
		last++
	}
	wantRecords(t, h.Log, 1, 1, last, 10)
}

func recoversWithoutDoubt(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	last, err := h.Log.Recover(patient(t))
	if err != nil || last != 3 {
		t.Fatalf("Recover() = %d, %v, want 3, nil", last, err)
	}
	fill(t, h.Log, 4, 4, 10)
}

func reopens(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 30, 1000)
	if err := h.Log.Purge(patient(t), 11); err != nil {
		t.Fatalf("Purge(11) = %v, want nil", err)
	}
	before := h.Log.Bounds()
	log := h.Reopen(t)
	wantBounds(t, log, 11, 30)
	if got := log.Bounds().Bytes; got != before.Bytes {
		t.Errorf("Bounds().Bytes = %d after reopening, want %d as before", got, before.Bytes)
	}
	wantRecords(t, log, 1, 11, 30, 1000)
	fill(t, log, 31, 35, 1000)
	wantRecords(t, log, 20, 20, 35, 1000)
}

func closes(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 1, 10)
	if err := h.Log.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	ctx := patient(t)
	_, getErr := h.Log.Get(ctx, 1)
	_, recoverErr := h.Log.Recover(ctx)
	_, _, loadErr := h.Log.LoadSnapshot(ctx)
	for call, err := range map[string]error{
		"Append":       h.Log.Append(ctx, 1, []byte("late")),
		"Get":          getErr,
		"Recover":      recoverErr,
		"Read":         h.Log.Read(ctx, 1, func(uint64, []byte) error { return nil }),
		"Purge":        h.Log.Purge(ctx, 1),
		"SaveSnapshot": h.Log.SaveSnapshot(ctx, store.Snapshot{Seq: 1}),
		"LoadSnapshot": loadErr,
		"Close":        h.Log.Close(),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s on a closed log = %v, want ErrClosed", call, err)
		}
	}
	if got := h.Log.Health(); got.Writable {
		t.Errorf("Health() of a closed log = %+v, want not writable", got)
	}
	if got := readAll(t, h.Reopen(t), 1); len(got) != 1 || !bytes.Equal(got[0].Data, record(1, 10)) {
		t.Errorf("Read(1) after reopening = %v, want the one record", got)
	}
}
