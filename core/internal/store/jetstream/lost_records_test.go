package jetstream

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
)

func TestLostNewestRecordsKeepTheirSequences(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	for last := range uint64(5) {
		if err := h.log.Append(t.Context(), last, childRecord(last+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.log.SaveSnapshot(t.Context(), store.Snapshot{Seq: 8}); err != nil {
		t.Fatal(err)
	}
	log := h.Reopen(t)
	if b := log.Bounds(); b.Last != 8 {
		t.Errorf("Bounds() = %+v, want the sequences up to the snapshot", b)
	}
	want := []store.Range{{First: 6, Last: 8}}
	if diff := cmp.Diff(want, h.log.Health().Missing); diff != "" {
		t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
	}
	if _, err := log.Get(t.Context(), 7); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get(7) = %v, want ErrNotFound", err)
	}
	if err := log.Append(t.Context(), 8, childRecord(9)); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	err := h.Reopen(t).Read(t.Context(), 4, func(seq uint64, _ []byte) error { got = append(got, seq); return nil })
	if diff := cmp.Diff([]uint64{4, 5, 9}, got); diff != "" || err != nil {
		t.Errorf("Read(4) = %v, records differ (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(want, h.log.Health().Missing); diff != "" {
		t.Errorf("Health().Missing after Read differs (-want +got):\n%s", diff)
	}
}

func TestShortBlockAfterKillIsReported(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	for last := range uint64(10) {
		if err := h.log.Append(t.Context(), last, childRecord(last+1)); err != nil {
			t.Fatal(err)
		}
	}
	killed := Options{Dir: filepath.Join(t.TempDir(), "killed"), Logger: testLogger(t)}
	if err := os.CopyFS(killed.Dir, os.DirFS(h.options.Dir)); err != nil {
		t.Fatal(err)
	}
	block := filepath.Join(filepath.Dir(index(t, killed.Dir)), "1.blk")
	if err := os.Truncate(block, int64(7*storedSize(1, len(childRecord(1)))+100)); err != nil {
		t.Fatal(err)
	}
	log, err := Open(t.Context(), killed)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if diff := cmp.Diff([]store.Range{{First: 8, Last: 10}}, log.Health().Missing); diff != "" || log.Bounds().Last != 10 {
		t.Errorf("Bounds() = %+v, Health().Missing differs (-want +got):\n%s", log.Bounds(), diff)
	}
}

func TestLostOldestRecordsAreMissing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir(), Cap: 16 << 20})
	const total = 100
	for seq := uint64(1); seq <= total; seq++ {
		record := append(make([]byte, 100<<10), childRecord(seq)...)
		if err := h.log.Append(t.Context(), seq-1, record); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.log.Purge(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	h.log.Close()
	if err := os.Remove(filepath.Join(filepath.Dir(index(t, h.options.Dir)), "1.blk")); err != nil {
		t.Fatal(err)
	}
	log := h.open(t)
	b := log.Bounds()
	if b.First <= 3 || b.First > total || b.Last != total {
		t.Fatalf("Bounds() = %+v, want the records of the other blocks", b)
	}
	want := []store.Range{{First: 3, Last: b.First - 1}}
	if diff := cmp.Diff(want, log.Health().Missing); diff != "" {
		t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
	}
}

func TestLostLogContinuesAtItsEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	for last := range uint64(50) {
		if err := h.log.Append(t.Context(), last, childRecord(last+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.log.Purge(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	h.log.Close()
	if err := os.RemoveAll(filepath.Dir(index(t, h.options.Dir))); err != nil {
		t.Fatal(err)
	}
	log := h.open(t)
	if b := log.Bounds(); b.First != 51 || b.Last != 50 {
		t.Errorf("Bounds() = %+v, want an empty log that ends at 50", b)
	}
	if diff := cmp.Diff([]store.Range{{First: 3, Last: 50}}, log.Health().Missing); diff != "" {
		t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
	}
	if err := log.Append(t.Context(), 50, childRecord(51)); err != nil {
		t.Fatal(err)
	}
	log = h.Reopen(t).(*Log)
	if b := log.Bounds(); b.First != 51 || b.Last != 51 || log.Health().Missing != nil {
		t.Errorf("Bounds() = %+v, missing %v, after reopening, want only record 51", b, log.Health().Missing)
	}
}

func TestDamagedRecordsAreMissing(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]bool{"after a clean stop": false, "after a crash": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Options{Dir: t.TempDir(), Cap: minCap})
			const total = 100
			for seq := uint64(1); seq <= total; seq++ {
				if err := h.log.Append(t.Context(), seq-1, childRecord(seq)); err != nil {
					t.Fatal(err)
				}
			}
			h.log.Close()
			if crash { // after a crash the index is old or missing
				if err := os.Remove(index(t, h.options.Dir)); err != nil {
					t.Fatal(err)
				}
			}
			damageBlock(t, h.options.Dir, childRecord(50)[150:])
			log := h.open(t)

			next := uint64(1)
			err := log.Read(withTimeout(t), 1, func(seq uint64, record []byte) error {
				if seq != next || string(record) != string(childRecord(seq)) {
					t.Errorf("Read returned %d bytes as record %d, want record %d", len(record), seq, next)
				}
				if next = seq + 1; next == 50 {
					next++
				}
				return nil
			})
			if err != nil || next != total+1 {
				t.Fatalf("Read = %v before record %d, want nil and all records except 50", err, next)
			}
			if diff := cmp.Diff([]store.Range{{First: 50, Last: 50}}, log.Health().Missing); diff != "" {
				t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
			}
			if _, err := log.Get(t.Context(), 50); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Get(50) = %v, want ErrNotFound", err)
			}
			if err := log.Append(t.Context(), log.Bounds().Last, []byte("next")); err != nil {
				t.Errorf("Append after damage = %v, want nil", err)
			}
		})
	}
}

// index returns the path of the log stream's index.
func index(t *testing.T, dir string) string {
	t.Helper()
	return filepath.Join(streamFolder(dir, logStream), "msgs", "index.db")
}
