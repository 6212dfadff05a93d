package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"patchbay/core/internal/store"
)

func testAppendAndRead(t *testing.T, h *Harness) {
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
		t.Errorf("Health() = %+v, want a writable log without missing records", got)
	}
}

func testAppendAfterOtherWriter(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	for _, last := range []uint64{0, 2, 4} {
		err := h.Log.Append(withTimeout(t), last, []byte("out of order"))
		wantError(t, fmt.Sprintf("Append(%d) to a log that ends at 3", last), err, store.ErrOtherWriter)
	}
	fill(t, h.Log, 4, 4, 10)

	h.AppendAsRival(t, []byte("rival"))
	err := h.Log.Append(withTimeout(t), 4, []byte("refused"))
	wantError(t, "Append(4) after another writer", err, store.ErrOtherWriter)
	wantRecover(t, h.Log, 5)
	if got := readAll(t, h.Log, 5); len(got) != 1 || string(got[0].Data) != "rival" {
		t.Errorf("Read(5) = %v, want only the record of the other writer", got)
	}
}

func testRecordSize(t *testing.T, h *Harness) {
	for _, n := range []int{0, store.MaxRecord + 1} {
		err := h.Log.Append(withTimeout(t), 0, make([]byte, n))
		wantError(t, fmt.Sprintf("Append of %d bytes", n), err, store.ErrRecordSize)
	}
	fill(t, h.Log, 1, 2, store.MaxRecord)
	wantRecords(t, h.Log, 1, 1, 2, store.MaxRecord)
}

func testAppendWithEndedContext(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 1, 10)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Log.Append(ended, 1, []byte("late")); err == nil {
		t.Fatal("Append with an ended context = nil, want an error")
	}
	wantRecover(t, h.Log, 1)
	fill(t, h.Log, 2, 2, 10)
}

func testFull(t *testing.T, h *Harness) {
	const n = 64 << 10
	var last uint64
	var err error
	for last = 0; last < 1000; last++ {
		if err = h.Log.Append(withTimeout(t), last, record(last+1, n)); err != nil {
			break
		}
	}
	wantError(t, "Append at the cap", err, store.ErrFull)
	if b := h.Log.Bounds(); b.Bytes > store.Overflow*b.Cap || b.Bytes+2*n < store.Overflow*b.Cap {
		t.Errorf("Bounds() = %+v, want Bytes just below %d times Cap", b, store.Overflow)
	}
	wantRecords(t, h.Log, 1, 1, last, n)
	purge(t, h.Log, last-2)
	fill(t, h.Log, last+1, last+20, n)
	wantRecords(t, h.Log, 1, last-2, last+20, n)
}

func testRecover(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	last := uint64(3)
	for _, stored := range []bool{true, false, true} {
		h.LoseResponse(t, stored)
		for _, call := range []string{"Append without a response", "Append before Recover"} {
			wantError(t, call, h.Log.Append(withTimeout(t), last, record(last+1, 10)), store.ErrUnavailable)
		}
		if got := h.Log.Health(); got.Writable || got.Reason == "" {
			t.Errorf("Health() before Recover = %+v, want not writable, with a reason", got)
		}
		if stored {
			last++
		}
		wantRecover(t, h.Log, last)
		if got := h.Log.Health(); !got.Writable {
			t.Errorf("Health() after Recover = %+v, want writable", got)
		}
		fill(t, h.Log, last+1, last+1, 10)
		last++
	}
	wantRecords(t, h.Log, 1, 1, last, 10)
}

func testReopen(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 30, 1000)
	purge(t, h.Log, 11)
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

func testClose(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 1, 10)
	if err := h.Log.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	ctx := withTimeout(t)
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
	wantRecords(t, h.Reopen(t), 1, 1, 1, 10)
}
