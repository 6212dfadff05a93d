package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault memory.Fault
		want  error
		last  uint64 // what Recover returns; the log ended at 1 before
	}{
		"none":               {memory.None, nil, 2},
		"stored in doubt":    {memory.LostStored, store.ErrUnavailable, 2},
		"not stored, doubt":  {memory.LostUnstored, store.ErrUnavailable, 1},
		"full":               {memory.Full, store.ErrFull, 1},
		"fenced by a record": {memory.Fenced, store.ErrFenced, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := memory.NewDisk(0).Open()
			log.Fail(memory.None, test.fault)
			if err := log.Append(t.Context(), 0, []byte("first")); err != nil {
				t.Fatalf("Append before the fault = %v, want nil", err)
			}
			if err := log.Append(t.Context(), 1, []byte("second")); !errors.Is(err, test.want) {
				t.Fatalf("Append with the fault = %v, want %v", err, test.want)
			}
			last, err := log.Recover(t.Context())
			if err != nil || last != test.last {
				t.Fatalf("Recover() = %d, %v, want %d, nil", last, err, test.last)
			}
			if err := log.Append(t.Context(), last, []byte("third")); err != nil {
				t.Errorf("Append after Recover = %v, want nil: a fault happens once", err)
			}
		})
	}
}

func TestHookSeesAndStopsCalls(t *testing.T) {
	t.Parallel()
	log := memory.NewDisk(0).Open()
	broken := errors.New("disk on fire")
	var seen []memory.Op
	log.Hook(func(_ context.Context, op memory.Op) error {
		if seen = append(seen, op); op == memory.OpAppend {
			return broken
		}
		return nil
	})
	if err := log.Append(t.Context(), 0, []byte("first")); !errors.Is(err, broken) {
		t.Errorf("Append = %v, want the error of the hook", err)
	}
	if last, err := log.Recover(t.Context()); last != 0 || err != nil {
		t.Errorf("Recover() = %d, %v, want 0, nil: nothing was stored", last, err)
	}
	if diff := cmp.Diff([]memory.Op{memory.OpAppend, memory.OpRecover}, seen); diff != "" {
		t.Errorf("calls that the hook saw differ (-want +got):\n%s", diff)
	}
	log.Hook(nil)
	if err := log.Append(t.Context(), 0, []byte("first")); err != nil {
		t.Errorf("Append without the hook = %v, want nil", err)
	}
}

func TestLostRecords(t *testing.T) {
	t.Parallel()
	disk := memory.NewDisk(0)
	log := disk.Open()
	for last := range uint64(6) {
		if err := log.Append(t.Context(), last, []byte{byte(last + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, seq := range []uint64{2, 4, 5} {
		disk.Lose(seq)
	}
	var got []uint64
	err := log.Read(t.Context(), 1, func(seq uint64, _ []byte) error { got = append(got, seq); return nil })
	if diff := cmp.Diff([]uint64{1, 3, 6}, got); diff != "" || err != nil {
		t.Errorf("Read(1) = %v, records differ (-want +got):\n%s", err, diff)
	}
	want := []store.Range{{First: 2, Last: 2}, {First: 4, Last: 5}}
	if diff := cmp.Diff(want, log.Health().Missing); diff != "" {
		t.Errorf("Health().Missing differs (-want +got):\n%s", diff)
	}
}

func TestSetHealth(t *testing.T) {
	t.Parallel()
	log := memory.NewDisk(0).Open()
	want := store.Health{Reason: "out of order", Free: 7}
	log.SetHealth(&want)
	if diff := cmp.Diff(want, log.Health()); diff != "" {
		t.Errorf("Health() differs (-want +got):\n%s", diff)
	}
	log.SetHealth(nil)
	if !log.Health().Writable {
		t.Errorf("Health() = %+v, want the truth again", log.Health())
	}
}
