package jetstream

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
)

func TestOpenChecksOptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no dir":         {func(o *Options) { o.Dir = "" }, "dir is empty"},
		"no logger":      {func(o *Options) { o.Logger = nil }, "logger is nil"},
		"prefix":         {func(o *Options) { o.Prefix = "a.b" }, `prefix "a.b"`},
		"negative shard": {func(o *Options) { o.Shard = -1 }, "shard -1"},
		"small cap":      {func(o *Options) { o.Cap = 1000 }, "cap of 1000 bytes"},
		"ack timeout":    {func(o *Options) { o.AckTimeout = -1 }, "ack timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := Options{Dir: t.TempDir(), Logger: testLogger(t)}
			test.change(&options)
			if _, err := Open(t.Context(), options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestNamesCarryTheShard(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir(), Prefix: "branch-2", Shard: 3})
	e := h.log.engine.Load()
	got := []string{e.logStream.CachedInfo().Config.Name, e.logStream.CachedInfo().Config.Subjects[0],
		e.snapshotStream.CachedInfo().Config.Name, e.snapshotStream.CachedInfo().Config.Subjects[0]}
	want := []string{"branch-2_log_3", "branch-2.3.log", "branch-2_snapshot_3", "branch-2.3.snapshot.*"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names of streams and subjects differ (-want +got):\n%s", diff)
	}
	if varz, err := e.server.Varz(nil); err != nil || varz.Port != 0 && e.server.Addr() != nil {
		t.Errorf("server listens on %v, error %v, want nothing", e.server.Addr(), err)
	}
}

func TestFolderIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "store")
	h := newHarness(t, Options{Dir: dir})
	if err := h.log.Append(t.Context(), 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want nothing for others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLockWithinProcess(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	if _, err := Open(t.Context(), h.options); !errors.Is(err, store.ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	h.Reopen(t) // Close has given it up
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"newer":      {`{"version":2,"streams":[]}`, store.ErrNewer},
		"unreadable": {`{"version":`, store.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Options{Dir: t.TempDir()})
			h.log.Close()
			path := filepath.Join(h.options.Dir, "format.json")
			written, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, test.text)
			if _, err := Open(t.Context(), h.options); !errors.Is(err, test.want) {
				t.Errorf("Open = %v, want %v", err, test.want)
			}
			write(t, path, string(written)) // the refusal has neither kept the lock nor touched the store
			h.open(t)
		})
	}
}

func TestStreamGoneIsDamage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	if err := h.log.Append(t.Context(), 0, []byte("precious")); err != nil {
		t.Fatal(err)
	}
	h.log.Close()
	gone := filepath.Join(h.options.Dir, "jetstream", "$G", "streams", h.log.names.logStream)
	if err := os.Rename(gone, filepath.Join(t.TempDir(), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), h.options)
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), h.log.names.logStream) {
		t.Errorf("Open = %v, want ErrDamaged that names the stream", err)
	}
}

func TestLostTailIsFilled(t *testing.T) {
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
		t.Errorf("Bounds() = %+v, want the sequences up to the snapshot taken", b)
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

func TestLostHeadIsListed(t *testing.T) {
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
		t.Fatalf("Bounds() = %+v, want what the other blocks hold", b)
	}
	want := []store.Range{{First: 3, Last: b.First - 1}}
	if diff := cmp.Diff(want, log.Health().Missing); diff != "" {
		t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
	}
}

func TestLostLogGoesOn(t *testing.T) {
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
		t.Errorf("Bounds() = %+v, missing %v, after reopening, want record 51 alone", b, log.Health().Missing)
	}
}

func TestSnapshotsStayBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir(), Cap: 512 << 20})
	const size = 1 << 20
	lasting := make([]byte, size)
	if err := h.log.SaveSnapshot(t.Context(), store.Snapshot{Buckets: map[uint32][]byte{0: lasting}}); err != nil {
		t.Fatal(err)
	}
	for n := range byte(40) {
		changing := bytes.Repeat([]byte{n}, size)
		s := store.Snapshot{Keep: true, Buckets: map[uint32][]byte{1: changing}}
		if err := h.log.SaveSnapshot(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	info, err := h.log.engine.Load().snapshotStream.Info(t.Context())
	if err != nil || info.State.Bytes > 3*2*size+snapshotSlack+4*size {
		t.Errorf("snapshots take %d bytes, error %v, want less than two of %d bytes and the slack", info.State.Bytes, err, 2*size)
	}
	got, found, err := h.Reopen(t).LoadSnapshot(t.Context())
	if !found || err != nil || !bytes.Equal(got.Buckets[0], lasting) || got.Buckets[1][0] != 39 {
		t.Errorf("LoadSnapshot() = found %t, %v, want the lasting and the newest bucket", found, err)
	}
}

func TestMissingRecordsAreListed(t *testing.T) {
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
			if crash { // the index is from before, or not there
				if err := os.Remove(index(t, h.options.Dir)); err != nil {
					t.Fatal(err)
				}
			}
			flipByte(t, h.options.Dir, childRecord(50)[150:])
			log := h.open(t)

			lost := map[uint64]bool{}
			for seq := uint64(1); seq <= total; seq++ {
				lost[seq] = true
			}
			err := log.Read(patient(t), 1, func(seq uint64, record []byte) error {
				if delete(lost, seq); string(record) != string(childRecord(seq)) {
					t.Errorf("Read handed out %d bytes as record %d, want the record", len(record), seq)
				}
				return nil
			})
			if err != nil || !lost[50] {
				t.Fatalf("Read = %v, want nil without record 50", err)
			}
			listed := map[uint64]bool{}
			for _, r := range log.Health().Missing {
				for seq := r.First; seq <= r.Last; seq++ {
					listed[seq] = true
				}
			}
			if diff := cmp.Diff(lost, listed); diff != "" {
				t.Errorf("Health().Missing differs from what Read skipped (-lost +listed):\n%s", diff)
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

// index returns the path of the index of the log.
func index(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "*_log_0", "msgs", "index.db"))
	if err != nil || len(found) != 1 {
		t.Fatalf("found indexes %v, error %v, want one", found, err)
	}
	return found[0]
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
