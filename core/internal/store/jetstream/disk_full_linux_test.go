package jetstream

import (
	"context"
	"errors"
	"testing"
	"time"

	"patchbay/core/internal/store"
)

func TestAppendFailsBeforeDiskIsFull(t *testing.T) {
	for name, d := range smallDisks(t) {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { d.Clear(t) })
			h := newHarness(t, Options{Dir: d.Dir, readSpace: d.readSpace, Cap: 64 << 20, FreeLow: 8 << 20})
			notWritable := false
			last := appendUntil(t, h.log, 0, store.ErrFull, func() {
				notWritable = notWritable || !h.log.Health().Writable
			})
			if !notWritable {
				t.Error("Health() = writable until Append failed, want not writable before that")
			}
			if got, err := h.log.Recover(withTimeout(t)); err != nil || got != last {
				t.Fatalf("Recover() = %d, %v, want %d, nil: no outcome is unknown", got, err, last)
			}
			if err := h.log.Purge(withTimeout(t), last); err != nil {
				t.Fatalf("Purge(%d) on a full disk = %v, want nil", last, err)
			}
			await(t, "the log is writable", func() bool { return h.log.Health().Writable })
			if err := h.log.Append(withTimeout(t), last, childRecord(last+1)); err != nil {
				t.Errorf("Append(%d) after a purge = %v, want nil", last, err)
			}

			d.Fill(t, 0)
			log := h.Reopen(t)
			if got := log.Health(); got.Writable {
				t.Errorf("Health() after a start on a full disk = %+v, want not writable", got)
			}
			checkRecords(t, 0, h.log, last+1)
			d.Clear(t)
			await(t, "the log is writable", func() bool { return log.Health().Writable })
			if err := log.Append(withTimeout(t), last+1, childRecord(last+2)); err != nil {
				t.Errorf("Append(%d) after a start on a full disk = %v, want nil", last+1, err)
			}
		})
	}
}

func TestRecoverAfterFullDisk(t *testing.T) {
	for name, d := range smallDisks(t) {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, Options{Dir: d.Dir, readSpace: d.readSpace, Cap: 16 << 20, FreeLow: 4})
			last := uint64(0)
			for ; last < 40; last++ {
				if err := h.log.Append(withTimeout(t), last, childRecord(last+1)); err != nil {
					t.Fatal(err)
				}
			}
			// The free space is no longer measured, so that appends fill the disk.
			h.log.stopWatch()
			h.log.watcher.Wait()
			d.Fill(t, 0)
			h.log.options.AckTimeout = 300 * time.Millisecond
			last = appendUntil(t, h.log, last, store.ErrUnavailable, func() {})

			short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if got, err := h.log.Recover(short); !errors.Is(err, store.ErrFull) {
				t.Fatalf("Recover() on a full disk = %d, %v, want ErrFull", got, err)
			}
			recovered := make(chan error, 1)
			var got uint64
			go func() {
				var err error
				got, err = h.log.Recover(withTimeout(t))
				recovered <- err
			}()
			d.Clear(t)
			if err := <-recovered; err != nil || got != last && got != last+1 {
				t.Fatalf("Recover() after clearing the disk = %d, %v, want %d or one more, nil", got, err, last)
			}
			checkRecords(t, 0, h.log, last)
			if err := h.log.Append(withTimeout(t), got, childRecord(got+1)); err != nil {
				t.Errorf("Append(%d) after Recover = %v, want nil", got, err)
			}
			h.Reopen(t)
			checkRecords(t, 1, h.log, got+1)
		})
	}
}

// appendUntil appends until Append fails with want, and returns the last acknowledged sequence.
func appendUntil(t *testing.T, log *Log, last uint64, want error, each func()) uint64 {
	t.Helper()
	for range 100_000 {
		err := log.Append(withTimeout(t), last, childRecord(last+1))
		if errors.Is(err, want) {
			return last
		}
		if err != nil {
			t.Fatalf("Append(%d) = %v, want nil or %v", last, err, want)
		}
		each()
		last++
	}
	t.Fatalf("Append never failed, want %v", want)
	return 0
}
