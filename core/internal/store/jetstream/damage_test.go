package jetstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
)

// damageCases is the environment variable with the number of random cases for each kind of damage.
const damageCases = "PATCHBAY_DAMAGE_CASES"

// twoBlocks is the number of records that fill two blocks.
const twoBlocks = 720

// damagedStore is a closed store. Each case damages its files.
type damagedStore struct {
	h     *harness
	files map[string][]byte // intact files by path below the folder
	total uint64
}

// newDamaged creates a store with records and a snapshot, and closes it in order.
func newDamaged(t *testing.T, total uint64) *damagedStore {
	t.Helper()
	d := &damagedStore{h: newHarness(t, Options{Dir: t.TempDir(), Cap: 8 << 20}), total: total, files: map[string][]byte{}}
	for seq := uint64(1); seq <= d.total; seq++ {
		if err := d.h.log.Append(t.Context(), seq-1, damageRecord(seq)); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := store.Snapshot{Seq: total - 10, Buckets: map[uint32][]byte{1: []byte("bucket")}}
	if err := d.h.log.SaveSnapshot(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	d.h.log.Close()
	err := filepath.WalkDir(d.h.options.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(d.h.options.Dir, path)
		if err == nil {
			d.files[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// damageRecord returns a record of random bytes.
func damageRecord(seq uint64) []byte {
	record := make([]byte, 200+12_000*(seq%2))
	rand.NewChaCha8([32]byte(binary.LittleEndian.AppendUint64(make([]byte, 24), seq))).Read(record)
	return record
}

// restore writes the intact files. With crash, it omits the index, as after a crash.
func (d *damagedStore) restore(t *testing.T, crash bool) {
	t.Helper()
	d.h.log.Close()
	if err := os.RemoveAll(filepath.Join(d.h.options.Dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	for name, content := range d.files {
		if crash && filepath.Base(name) == "index.db" {
			continue
		}
		d.write(t, name, content)
	}
}

func (d *damagedStore) write(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(d.h.options.Dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// block is a block file of the log and the offsets of its records, including the end.
type block struct {
	name    string
	first   uint64
	offsets []int
}

// blocks returns the blocks of the log. It computes the offsets with storedSize, and without the code under test.
func (d *damagedStore) blocks(t *testing.T) (blocks []block) {
	t.Helper()
	seq := uint64(1)
	for number := 1; ; number++ {
		b := block{name: filepath.Join("jetstream/$G/streams", logStream, "msgs", fmt.Sprintf("%d.blk", number)), first: seq}
		content, ok := d.files[b.name]
		if !ok {
			break
		}
		at := 0
		for ; at < len(content); seq++ {
			b.offsets = append(b.offsets, at)
			at += int(storedSize(seq-1, len(damageRecord(seq))))
		}
		b.offsets = append(b.offsets, at)
		blocks = append(blocks, b)
	}
	if seq != d.total+1 || len(blocks) < 2 {
		t.Fatalf("%d blocks with %d records, want all of at least two blocks", len(blocks), seq-1)
	}
	return blocks
}

// overlapping returns the sequences of the records that have bytes between from and to.
func (b block) overlapping(from, to int) (seqs []uint64) {
	for i, at := range b.offsets[:len(b.offsets)-1] {
		if from < b.offsets[i+1] && to > at {
			seqs = append(seqs, b.first+uint64(i))
		}
	}
	return seqs
}

// wantAllExcept opens the store and checks that exactly the lost records are missing, and that they are reported.
func (d *damagedStore) wantAllExcept(t *testing.T, lost []uint64) {
	t.Helper()
	log := d.h.open(t)
	var got, want, reported []uint64
	err := log.Read(withTimeout(t), 1, func(seq uint64, record []byte) error {
		if string(record) != string(damageRecord(seq)) {
			t.Errorf("record %d has other content", seq)
		}
		got = append(got, seq)
		return nil
	})
	for seq := uint64(1); seq <= d.total; seq++ {
		if !slices.Contains(lost, seq) {
			want = append(want, seq)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Read = %v, records differ (-want +got):\n%s", err, diff)
	}
	for _, r := range log.Health().Missing {
		for seq := r.First; seq <= r.Last; seq++ {
			reported = append(reported, seq)
		}
	}
	slices.Sort(reported)
	if diff := cmp.Diff(lost, reported); diff != "" {
		t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
	}
	if s, found, err := log.LoadSnapshot(withTimeout(t)); err != nil || !found || string(s.Buckets[1]) != "bucket" {
		t.Errorf("LoadSnapshot = %+v, %t, %v, want the snapshot", s, found, err)
	}
	if err := log.Append(withTimeout(t), d.total, []byte("next")); err != nil {
		t.Errorf("Append = %v, want nil", err)
	}
}

// each runs n random cases. Every second case is after a crash.
func (d *damagedStore) each(t *testing.T, n int, test func(*testing.T, *rand.Rand)) {
	t.Helper()
	if text := os.Getenv(damageCases); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range n {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			d.restore(t, seed%2 == 1)
			test(t, rand.New(rand.NewPCG(8, uint64(seed))))
		})
	}
}

func TestOneWrongBitLosesNothing(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, twoBlocks)
	d.each(t, 6, func(t *testing.T, random *rand.Rand) {
		b := d.blocks(t)[random.IntN(2)]
		content := slices.Clone(d.files[b.name])
		bit := random.IntN(len(content) * 8)
		content[bit/8] ^= 1 << (bit % 8)
		d.write(t, b.name, content)
		d.wantAllExcept(t, nil)
	})
}

func TestDamageLosesOnlyDamagedRecords(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, twoBlocks)
	d.each(t, 8, func(t *testing.T, random *rand.Rand) {
		b := d.blocks(t)[random.IntN(2)]
		content := slices.Clone(d.files[b.name])
		from := random.IntN(len(content))
		if random.IntN(4) == 0 {
			from = []int{0, len(content) - 100}[random.IntN(2)] // the first or the last record
		}
		to := min(len(content), from+[]int{2, 100, 512, 4096, 50_000}[random.IntN(5)])
		for i := from; i < to; i++ {
			content[i] ^= byte(1 + random.IntN(255))
		}
		d.write(t, b.name, content)
		d.wantAllExcept(t, b.overlapping(from, to))
		copies, err := filepath.Glob(filepath.Join(d.h.options.Dir, damagedFolder, logStream+"-*"))
		if err != nil || len(copies) == 0 {
			t.Errorf("copies of damaged blocks = %v, %v, want one", copies, err)
		}
	})
}

func TestShortBlockLosesOnlyItsEnd(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, twoBlocks)
	d.each(t, 6, func(t *testing.T, random *rand.Rand) {
		b := d.blocks(t)[random.IntN(2)]
		size := len(d.files[b.name])
		keep := size - 1 - random.IntN([]int{500, 10_000, size - 1}[random.IntN(3)])
		d.write(t, b.name, d.files[b.name][:keep])
		d.wantAllExcept(t, b.overlapping(keep, size))
	})
}

func TestDamagedMetadataIsRebuilt(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 20)
	for name, content := range d.files {
		if strings.HasSuffix(name, ".blk") || name == "lock" {
			continue
		}
		middle := slices.Clone(content)
		middle[len(middle)/2] ^= 1
		start := slices.Clone(content)
		start[0] ^= 4
		for kind, damaged := range map[string][]byte{
			"middle": middle, "start": start, "half": content[:len(content)/2], "empty": {}, "missing": nil,
		} {
			t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name)+" "+kind, func(t *testing.T) {
				d.restore(t, false)
				d.write(t, name, damaged)
				if damaged == nil {
					if err := os.Remove(filepath.Join(d.h.options.Dir, name)); err != nil {
						t.Fatal(err)
					}
				}
				d.wantAllExcept(t, nil)
			})
		}
	}
}

func TestRebuiltDescriptionEqualsTheServers(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 20)
	name := filepath.Join("jetstream/$G/streams", logStream, "meta.inf")
	d.restore(t, false)
	d.write(t, name, nil)
	d.h.open(t)
	info, err := d.h.log.engine.Load().logStream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.restore(t, false)
	d.h.open(t)
	want, err := d.h.log.engine.Load().logStream.Info(t.Context())
	if diff := cmp.Diff(want.Config, info.Config); diff != "" || err != nil {
		t.Errorf("configuration differs (-want +got): %v\n%s", err, diff)
	}
}

func TestMissingSnapshotStreamIsCreated(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 20)
	d.restore(t, false)
	if err := os.RemoveAll(streamFolder(d.h.options.Dir, snapshotStream)); err != nil {
		t.Fatal(err)
	}
	log := d.h.open(t)
	if b := log.Bounds(); b.First != 1 || b.Last != d.total {
		t.Errorf("Bounds() = %+v, want all records", b)
	}
	if s, found, err := log.LoadSnapshot(t.Context()); found || err != nil {
		t.Errorf("LoadSnapshot = %+v, %t, %v, want none", s, found, err)
	}
}

func TestKillCausesNoWarning(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 20)
	d.restore(t, false)
	index := filepath.Join("jetstream/$G/streams", logStream, "msgs", "index.db")
	old := d.files[index]
	d.h.open(t)
	for seq := d.total + 1; seq <= d.total+5; seq++ {
		if err := d.h.log.Append(t.Context(), seq-1, damageRecord(seq)); err != nil {
			t.Fatal(err)
		}
	}
	d.h.log.Close()
	d.write(t, index, old) // as a kill leaves it
	var output strings.Builder
	d.h.options.Logger = slog.New(slog.NewTextHandler(&output, nil))
	d.h.open(t)
	d.h.log.Close()
	if output.Len() > 0 {
		t.Errorf("the start after a kill logs %s, want nothing", &output)
	}
}

func TestDamagedReturnsReadableContents(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	for seq, text := range []string{"first", "an envelope, then text", "third"} {
		if err := h.log.Append(t.Context(), uint64(seq), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	h.log.Close()
	damageBlock(t, h.options.Dir, []byte("text"))
	got := h.open(t).Damaged()
	if len(got) != 1 || got[0].After != 1 || !strings.HasPrefix(string(got[0].Record), "an envelope, then ") {
		t.Errorf("Damaged() = %+v, want the readable part of record 2", got)
	}
}
