package jetstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/core/internal/store"
)

// fill appends records up to the sequence last.
func (h *harness) fill(t *testing.T, last uint64) {
	t.Helper()
	for seq := h.log.Bounds().Last; seq < last; seq++ {
		if err := h.log.Append(t.Context(), seq, recordText(seq+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func recordText(seq uint64) []byte {
	return fmt.Appendf(nil, "record %d %s", seq, strings.Repeat("x", int(seq%700)))
}

// restored restores a backup into a new folder and opens it.
func restored(t *testing.T, backup []byte) *harness {
	t.Helper()
	options := Options{Dir: filepath.Join(t.TempDir(), "restored"), Logger: testLogger(t)}
	if err := Restore(t.Context(), options, bytes.NewReader(backup), int64(len(backup))); err != nil {
		t.Fatalf("Restore = %v", err)
	}
	return newHarness(t, options)
}

func TestBackupOfARunningStore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	h.fill(t, 3000)
	snapshot := store.Snapshot{Seq: 2500, Buckets: map[uint32][]byte{7: []byte("state")}, Meta: []byte("meta")}
	if err := h.log.SaveSnapshot(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	if err := h.log.Purge(t.Context(), 2001); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	writing := make(chan error, 1)
	go func() { // appends and purges during the backup
		var err error
		for seq := uint64(3000); err == nil && ctx.Err() == nil; seq++ {
			if err = h.log.Append(t.Context(), seq, recordText(seq+1)); err == nil {
				err = h.log.Purge(t.Context(), seq-100)
			}
		}
		writing <- err
	}()
	var backup bytes.Buffer
	err := h.log.Backup(t.Context(), &backup)
	cancel()
	if err := <-writing; err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatalf("Backup = %v", err)
	}
	r := restored(t, backup.Bytes())
	b := r.log.Bounds()
	if b.Last < 3000 || b.First > 2501 {
		t.Fatalf("bounds of the restored log %+v, want the records 2501 to at least 3000", b)
	}
	next := b.First
	if err := r.log.Read(t.Context(), 0, func(seq uint64, record []byte) error {
		if seq != next || !bytes.Equal(record, recordText(seq)) {
			return fmt.Errorf("record %d is %.20q, want record %d", seq, record, next)
		}
		next++
		return nil
	}); err != nil || next != b.Last+1 {
		t.Errorf("Read = %v up to record %d, want up to %d", err, next-1, b.Last)
	}
	s, found, err := r.log.LoadSnapshot(t.Context())
	if err != nil || !found || s.Seq != 2500 || string(s.Buckets[7]) != "state" || string(s.Meta) != "meta" {
		t.Errorf("LoadSnapshot = %+v %v %v, want the saved one", s, found, err)
	}
	if err := r.log.Append(t.Context(), b.Last, []byte("next")); err != nil {
		t.Errorf("Append to the restored log = %v", err)
	}
}

func TestBackupOfAnEmptyStore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	var backup bytes.Buffer
	if err := h.log.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if b := restored(t, backup.Bytes()).log.Bounds(); !b.Empty() {
		t.Errorf("bounds of the restored log %+v, want an empty log", b)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	h.fill(t, 200)
	var backup bytes.Buffer
	if err := h.log.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(backup.Bytes())
	damaged[len(damaged)/2] ^= 1
	for name, tc := range map[string]struct {
		backup []byte
		prefix string // content of the folder
		want   string
	}{
		"a folder with files":  {backup.Bytes(), "file", "is not empty"},
		"a truncated backup":   {backup.Bytes()[:backup.Len()-40], "", "it is incomplete, or no backup"},
		"another file":         {[]byte("no backup at all"), "", "it is incomplete, or no backup"},
		"a damaged backup":     {damaged, "", "restore the store"},
		"a failing connection": {nil, "", "it is incomplete, or no backup"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "restored")
			if tc.prefix != "" {
				if err := os.MkdirAll(filepath.Join(dir, tc.prefix), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			options := Options{Dir: dir, Logger: testLogger(t)}
			err := Restore(t.Context(), options, bytes.NewReader(tc.backup), int64(len(tc.backup)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Restore = %v, want an error with %q", err, tc.want)
			}
			if _, err := os.Stat(dir); tc.prefix == "" && !os.IsNotExist(err) {
				t.Errorf("the folder of the failed restore is still there: %v", err)
			}
		})
	}
}

func TestBackupReportsAFailedWrite(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	h.fill(t, 200)
	r, w := io.Pipe()
	r.Close()
	if err := h.log.Backup(t.Context(), w); err == nil || !strings.Contains(err.Error(), "back up") {
		t.Errorf("Backup to a closed pipe = %v, want an error", err)
	}
	if err := h.log.Purge(t.Context(), 100); err != nil || h.log.Bounds().First != 100 {
		t.Errorf("Purge after a failed backup = %v, first record %d, want 100", err, h.log.Bounds().First)
	}
}
