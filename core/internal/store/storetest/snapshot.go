package storetest

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
)

func save(t *testing.T, log store.Log, s store.Snapshot) {
	t.Helper()
	if err := log.SaveSnapshot(withTimeout(t), s); err != nil {
		t.Fatalf("SaveSnapshot of record %d = %v, want nil", s.Seq, err)
	}
}

func wantSnapshot(t *testing.T, log store.Log, want store.Snapshot) {
	t.Helper()
	got, found, err := log.LoadSnapshot(withTimeout(t))
	if err != nil || !found {
		t.Fatalf("LoadSnapshot() = found %t, %v, want the snapshot of record %d", found, err, want.Seq)
	}
	if diff := cmp.Diff(want, got, digests); diff != "" {
		t.Fatalf("LoadSnapshot() differs (-want +got):\n%s", diff)
	}
}

func testSnapshot(t *testing.T, h *Harness) {
	if s, found, err := h.Log.LoadSnapshot(withTimeout(t)); found || err != nil {
		t.Fatalf("LoadSnapshot() of a new log = %v, %t, %v, want none", s, found, err)
	}
	fill(t, h.Log, 1, 9, 10)
	first := store.Snapshot{Seq: 5, Meta: []byte("first"), Buckets: map[uint32][]byte{
		0: []byte("zero"), 7: []byte("seven")}}
	save(t, h.Log, first)
	wantSnapshot(t, h.Log, first)
	wantSnapshot(t, h.Reopen(t), first)
	second := store.Snapshot{Seq: 9, Buckets: map[uint32][]byte{1 << 31: []byte("large number")}}
	save(t, h.Log, second)
	wantSnapshot(t, h.Log, second)
	wantSnapshot(t, h.Reopen(t), second)
	wantRecords(t, h.Log, 1, 1, 9, 10)
}

func testSnapshotKeeps(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 9, 10)
	save(t, h.Log, store.Snapshot{Seq: 1, Meta: []byte("gone"), Buckets: map[uint32][]byte{
		1: []byte("one"), 2: []byte("two"), 3: []byte("three")}})
	save(t, h.Log, store.Snapshot{Seq: 2, Keep: true, Buckets: map[uint32][]byte{2: []byte("TWO"), 4: []byte("four")}})
	want := store.Snapshot{Seq: 2, Buckets: map[uint32][]byte{
		1: []byte("one"), 2: []byte("TWO"), 3: []byte("three"), 4: []byte("four")}}
	wantSnapshot(t, h.Log, want)

	log := h.Reopen(t)
	wantSnapshot(t, log, want)
	save(t, log, store.Snapshot{Seq: 3, Keep: true, Meta: []byte("new"), Buckets: map[uint32][]byte{
		1: nil, 3: {}, 4: []byte("FOUR")}})
	wantSnapshot(t, h.Reopen(t), store.Snapshot{Seq: 3, Meta: []byte("new"), Buckets: map[uint32][]byte{
		2: []byte("TWO"), 4: []byte("FOUR")}})
}

func testSnapshotWithoutBase(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	s := store.Snapshot{Seq: 1, Keep: true, Buckets: map[uint32][]byte{1: []byte("one")}}
	wantError(t, "SaveSnapshot that keeps buckets of a new log", h.Log.SaveSnapshot(withTimeout(t), s), store.ErrNoBase)
	s.Keep = false
	save(t, h.Log, s)
	log := h.Reopen(t)
	s.Keep = true
	wantError(t, "SaveSnapshot that keeps buckets before LoadSnapshot", log.SaveSnapshot(withTimeout(t), s), store.ErrNoBase)
}

func testSnapshotWithLargeBuckets(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 3, 10)
	want := store.Snapshot{Seq: 3, Meta: record(1, 10_000), Buckets: map[uint32][]byte{
		1: record(1, 3<<20), 2: record(2, 1), 3: record(3, 3<<20), 4: record(4, 960<<10), 5: record(5, 100)}}
	save(t, h.Log, want)
	wantSnapshot(t, h.Reopen(t), want)
	save(t, h.Log, store.Snapshot{Seq: 3, Meta: want.Meta, Keep: true, Buckets: map[uint32][]byte{2: record(6, 2<<20)}})
	want.Buckets[2] = record(6, 2<<20)
	wantSnapshot(t, h.Reopen(t), want)
}

func testSnapshotInterrupted(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 9, 10)
	want := store.Snapshot{Seq: 1, Buckets: map[uint32][]byte{1: []byte("one"), 2: []byte("two")}}
	save(t, h.Log, want)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	next := store.Snapshot{Seq: 2, Keep: true, Buckets: map[uint32][]byte{1: record(1, 3<<20)}}
	if err := h.Log.SaveSnapshot(ended, next); err == nil {
		t.Fatal("SaveSnapshot with an ended context = nil, want an error")
	}
	wantSnapshot(t, h.Reopen(t), want)
	save(t, h.Log, next)
	wantSnapshot(t, h.Log, store.Snapshot{Seq: 2, Buckets: map[uint32][]byte{1: record(1, 3<<20), 2: []byte("two")}})
}

func testManySnapshots(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 40, 10)
	want := store.Snapshot{Seq: 1, Buckets: map[uint32][]byte{}}
	for n := range uint32(16) {
		want.Buckets[n] = record(uint64(n), 100<<10)
	}
	save(t, h.Log, want)
	for seq := uint64(2); seq <= 40; seq++ {
		changed := map[uint32][]byte{uint32(seq % 3): record(seq, 700<<10)}
		maps.Copy(want.Buckets, changed)
		want.Seq = seq
		save(t, h.Log, store.Snapshot{Seq: seq, Keep: true, Buckets: changed})
		if seq%13 == 0 {
			wantSnapshot(t, h.Reopen(t), want)
		}
	}
	wantSnapshot(t, h.Reopen(t), want)
}

func testSnapshotDamaged(t *testing.T, h *Harness) {
	fill(t, h.Log, 1, 9, 10)
	older := store.Snapshot{Seq: 3, Buckets: map[uint32][]byte{1: []byte(strings.Repeat("older", 20))}}
	text := []byte(strings.Repeat("newer", 20))
	save(t, h.Log, older)
	save(t, h.Log, store.Snapshot{Seq: 8, Buckets: map[uint32][]byte{1: text}})

	log := h.DamageSnapshot(t, text)
	got, found, err := log.LoadSnapshot(withTimeout(t))
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "record 8") {
		t.Fatalf("LoadSnapshot() = %v, want ErrDamaged with the snapshot of record 8", err)
	}
	if diff := cmp.Diff(older, got, digests); !found || diff != "" {
		t.Fatalf("LoadSnapshot() = found %t, want the older snapshot (-want +got):\n%s", found, diff)
	}
	wantRecords(t, log, 1, 1, 9, 10)

	save(t, log, store.Snapshot{Seq: 9, Keep: true, Buckets: map[uint32][]byte{2: []byte("two")}})
	wantSnapshot(t, h.Reopen(t), store.Snapshot{Seq: 9, Buckets: map[uint32][]byte{
		1: older.Buckets[1], 2: []byte("two")}})
}
