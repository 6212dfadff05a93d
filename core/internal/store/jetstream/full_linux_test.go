package jetstream

import (
	"context"
	"errors"
	"testing"
	"time"

	"patchbay/core/internal/store"
)

func TestRefusesBeforeDiskIsFull(t *testing.T) {
	for name, v := range volumes(t) {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { v.clear(t) })
			h := newHarness(t, Options{Dir: v.dir, statDisk: v.statDisk, Cap: 64 << 20, FreeLow: 8 << 20})
			notWritable := false
			last := appendUntil(t, h.log, 0, store.ErrFull, func() {
				notWritable = notWritable || !h.log.Health().Writable
			})
			if !notWritable {
				t.Error("Health() said writable up to the end, want it to warn before Append fails")
			}
			if got, err := h.log.Recover(patient(t)); err != nil || got != last {
				t.Fatalf("Recover() = %d, %v, want %d, nil: nothing is in doubt", got, err, last)
			}
			if err := h.log.Purge(patient(t), last); err != nil {
				t.Fatalf("Purge(%d) on a full disk = %v, want nil", last, err)
			}
			await(t, "the log is writable", func() bool { return h.log.Health().Writable })
			if err := h.log.Append(patient(t), last, childRecord(last+1)); err != nil {
				t.Errorf("Append(%d) after a purge = %v, want nil", last, err)
			}

			v.fill(t)
			log := h.Reopen(t)
			if got := log.Health(); got.Writable {
				t.Errorf("Health() after a start on a full disk = %+v, want not writable", got)
			}
			checkRecords(t, 0, h.log, last+1)
			v.clear(t)
			await(t, "the log is writable", func() bool { return log.Health().Writable })
			if err := log.Append(patient(t), last+1, childRecord(last+2)); err != nil {
				t.Errorf("Append(%d) after a start on a full disk = %v, want nil", last+1, err)
			}
		})
	}
}

func TestRecoversFromFullDisk(t *testing.T) {
	for name, v := range volumes(t) {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, Options{Dir: v.dir, statDisk: v.statDisk, Cap: 16 << 20, FreeLow: 4})
			last := uint64(0)
			for ; last < 40; last++ {
				if err := h.log.Append(patient(t), last, childRecord(last+1)); err != nil {
					t.Fatal(err)
				}
			}
			// Others fill the disk between two samples of the free space, so that the log runs into its end.
			h.log.ending()
			h.log.watcher.Wait()
			v.fill(t)
			h.log.options.AckTimeout = 300 * time.Millisecond
			last = appendUntil(t, h.log, last, store.ErrUnavailable, func() {})

			short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if got, err := h.log.Recover(short); !errors.Is(err, store.ErrFull) {
				t.Fatalf("Recover() without room = %d, %v, want ErrFull", got, err)
			}
			recovered := make(chan error, 1)
			var got uint64
			go func() {
				var err error
				got, err = h.log.Recover(patient(t))
				recovered <- err
			}()
			v.clear(t)
			if err := <-recovered; err != nil || got != last && got != last+1 {
				t.Fatalf("Recover() once there is room = %d, %v, want %d or one more, nil", got, err, last)
			}
			checkRecords(t, 0, h.log, last)
			if err := h.log.Append(patient(t), got, childRecord(got+1)); err != nil {
				t.Errorf("Append(%d) after Recover = %v, want nil", got, err)
			}
			h.Reopen(t)
			checkRecords(t, 1, h.log, got+1)
		})
	}
}

// appendUntil appends until that fails with want, and returns the last sequence that was acknowledged.
func appendUntil(t *testing.T, log *Log, last uint64, want error, each func()) uint64 {
	t.Helper()
	for range 100_000 {
		err := log.Append(patient(t), last, childRecord(last+1))
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
