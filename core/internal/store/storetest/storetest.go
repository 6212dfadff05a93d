// Package storetest is the test suite that every [store.Log] must pass. It also provides small disks for tests.
package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
)

// timeout limits every test of the suite. It does not measure speed.
const timeout = 2 * time.Minute

// Harness holds a log under test and the operations that [store.Log] does not offer.
type Harness struct {
	// Log is the open log. The harness closes it at the end of the test.
	Log store.Log
	// Reopen closes Log and opens the stored data again.
	Reopen func(t *testing.T) store.Log
	// AppendAsRival appends a record as another writer; Log does not notice this.
	AppendAsRival func(t *testing.T, record []byte)
	// LoseResponse makes the next Append of Log fail with store.ErrUnavailable. stored decides whether it stores the
	// record.
	LoseResponse func(t *testing.T, stored bool)
	// DamageSnapshot closes Log, damages the stored snapshot that contains text, and opens the log again.
	DamageSnapshot func(t *testing.T, text []byte) store.Log
}

// Run tests the empty logs that open returns; limit is the cap of a log.
func Run(t *testing.T, open func(t *testing.T, limit uint64) *Harness) {
	const large = 256 << 20
	for name, test := range map[string]func(*testing.T, *Harness){
		"append and read in order":          testAppendAndRead,
		"append after another writer fails": testAppendAfterOtherWriter,
		"append checks the record size":     testRecordSize,
		"append with an ended context":      testAppendWithEndedContext,
		"read ranges":                       testReadRanges,
		"read returns the callback's error": testReadStops,
		"read during appends":               testReadDuringAppends,
		"get and append inside read":        testCallsInsideRead,
		"get":                               testGet,
		"purge":                             testPurge,
		"purge all records":                 testPurgeAll,
		"reopen":                            testReopen,
		"recover after a lost response":     testRecover,
		"snapshot":                          testSnapshot,
		"snapshot keeps buckets":            testSnapshotKeeps,
		"snapshot without a base":           testSnapshotWithoutBase,
		"snapshot with large buckets":       testSnapshotWithLargeBuckets,
		"snapshot interrupted":              testSnapshotInterrupted,
		"many snapshots":                    testManySnapshots,
		"snapshot damaged":                  testSnapshotDamaged,
		"close":                             testClose,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t, large)) })
	}
	t.Run("append to a full log", func(t *testing.T) { testFull(t, open(t, 8<<20)) })
}

// entry is one record from Read.
type entry struct {
	Seq  uint64
	Data []byte
}

// record returns n random bytes seeded by seq.
func record(seq uint64, n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte(binary.LittleEndian.AppendUint64(make([]byte, 24), seq)))
	source.Read(data)
	return data
}

// digests compares large byte slices by digest, so that a difference prints in one line.
var digests = cmp.Transformer("digest", func(data []byte) string {
	if len(data) <= 32 {
		return string(data)
	}
	return fmt.Sprintf("%d bytes, SHA-256 %x", len(data), sha256.Sum256(data))
})

func withTimeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// fill appends the records first to last, each of n bytes.
func fill(t *testing.T, log store.Log, first, last uint64, n int) {
	t.Helper()
	ctx := withTimeout(t)
	for seq := first; seq <= last; seq++ {
		if err := log.Append(ctx, seq-1, record(seq, n)); err != nil {
			t.Fatalf("Append(%d) = %v, want nil", seq-1, err)
		}
	}
}

func purge(t *testing.T, log store.Log, before uint64) {
	t.Helper()
	if err := log.Purge(withTimeout(t), before); err != nil {
		t.Fatalf("Purge(%d) = %v, want nil", before, err)
	}
}

// readAll returns the records that Read passes to its callback.
func readAll(t *testing.T, log store.Log, from uint64) []entry {
	t.Helper()
	var got []entry
	err := log.Read(withTimeout(t), from, func(seq uint64, data []byte) error {
		got = append(got, entry{seq, bytes.Clone(data)})
		return nil
	})
	if err != nil {
		t.Fatalf("Read(%d) = %v, want nil", from, err)
	}
	return got
}

// wantRecords checks that Read(from) returns the records first to last as written by fill.
func wantRecords(t *testing.T, log store.Log, from, first, last uint64, n int) {
	t.Helper()
	var want []entry
	for seq := first; seq <= last; seq++ {
		want = append(want, entry{seq, record(seq, n)})
	}
	if diff := cmp.Diff(want, readAll(t, log, from), digests); diff != "" {
		t.Fatalf("Read(%d) differs (-want +got):\n%s", from, diff)
	}
}

func wantBounds(t *testing.T, log store.Log, first, last uint64) {
	t.Helper()
	if got := log.Bounds(); got.First != first || got.Last != last {
		t.Fatalf("Bounds() = %d to %d, want %d to %d", got.First, got.Last, first, last)
	}
}

func wantRecover(t *testing.T, log store.Log, want uint64) {
	t.Helper()
	if last, err := log.Recover(withTimeout(t)); err != nil || last != want {
		t.Fatalf("Recover() = %d, %v, want %d, nil", last, err, want)
	}
}

func wantError(t *testing.T, call string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s = %v, want %v", call, got, want)
	}
}
