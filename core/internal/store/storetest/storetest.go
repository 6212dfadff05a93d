// Package storetest holds the rules that every [store.Log] must keep, as a test suite.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
)

// patience bounds every test of the suite; it is no measure of speed.
const patience = 2 * time.Minute

// Harness is one engine under test, with what the port doesn't offer.
type Harness struct {
	// Log is the open log. The harness closes it when the test ends.
	Log store.Log
	// Reopen closes Log and opens what it has stored.
	Reopen func(t *testing.T) store.Log
	// Intrude appends a record as another writer would: Log doesn't know.
	Intrude func(t *testing.T, record []byte)
	// Doubt makes the next Append of Log fail with store.ErrUnavailable, stored or not.
	Doubt func(t *testing.T, stored bool)
	// Damage closes Log, damages the stored snapshot that holds text, and opens what is left.
	Damage func(t *testing.T, text []byte) store.Log
}

// Run checks the engine that open returns. limit is the cap of the log, which is empty.
func Run(t *testing.T, open func(t *testing.T, limit uint64) *Harness) {
	const room = 256 << 20
	for name, check := range map[string]func(*testing.T, *Harness){
		"append and read in order":     appendsInOrder,
		"append guards the order":      appendIsGuarded,
		"append checks the size":       appendChecksSize,
		"append with an ended context": appendWithEndedContext,
		"read ranges":                  readsRanges,
		"read ends with an error":      readStops,
		"read beside appends":          readsBesideAppends,
		"read and append inside read":  appendsInsideRead,
		"get":                          getsRecords,
		"purge":                        purges,
		"purge everything":             purgesEverything,
		"reopen":                       reopens,
		"recover":                      recovers,
		"recover without doubt":        recoversWithoutDoubt,
		"snapshot":                     snapshots,
		"snapshot carries over":        snapshotCarriesOver,
		"snapshot without a base":      snapshotWithoutBase,
		"snapshot of large buckets":    snapshotOfLargeBuckets,
		"snapshot cut off":             snapshotCutOff,
		"snapshot many times":          snapshotManyTimes,
		"snapshot damaged":             snapshotDamaged,
		"close":                        closes,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t, room)) })
	}
	t.Run("full", func(t *testing.T) { refusesWhenFull(t, open(t, 8<<20)) })
}

// entry is one record as Read hands it out.
type entry struct {
	Seq  uint64
	Data []byte
}

// record returns n bytes that depend on seq.
func record(seq uint64, n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte(binary.LittleEndian.AppendUint64(make([]byte, 24), seq)))
	source.Read(data)
	return data
}

// digests compares bytes by their digest: fast, and a difference prints in one line.
var digests = cmp.Transformer("digest", func(data []byte) string {
	if len(data) <= 32 {
		return string(data)
	}
	return fmt.Sprintf("%d bytes, SHA-256 %x", len(data), sha256.Sum256(data))
})

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// fill appends the records first to last, of n bytes each.
func fill(t *testing.T, log store.Log, first, last uint64, n int) {
	t.Helper()
	ctx := patient(t)
	for seq := first; seq <= last; seq++ {
		if err := log.Append(ctx, seq-1, record(seq, n)); err != nil {
			t.Fatalf("Append(%d) = %v, want nil", seq-1, err)
		}
	}
}

// readAll returns what Read hands out.
func readAll(t *testing.T, log store.Log, from uint64) []entry {
	t.Helper()
	var got []entry
	err := log.Read(patient(t), from, func(seq uint64, data []byte) error {
		got = append(got, entry{seq, append([]byte(nil), data...)})
		return nil
	})
	if err != nil {
		t.Fatalf("Read(%d) = %v, want nil", from, err)
	}
	return got
}

// wantRecords checks that Read from the sequence from hands out the records first to last as fill has written them.
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

// wantBounds checks the extent, apart from the bytes, which are the engine's own.
func wantBounds(t *testing.T, log store.Log, first, last uint64) {
	t.Helper()
	if got := log.Bounds(); got.First != first || got.Last != last {
		t.Fatalf("Bounds() = %d to %d, want %d to %d", got.First, got.Last, first, last)
	}
}
