package writer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/memory"
)

// cursor returns the cursor of a channel from the state.
func (h *harness) cursor(channel string) string {
	h.Helper()
	var out string
	if err := h.View(context.Background(), func(b *state.State) { out = string(b.Cursor(channel)) }); err != nil {
		h.Fatalf("View: %v", err)
	}
	return out
}

// numbered returns messages with the numbers from first to last as ids.
func numbered(t tester, first, last int) []*inbound.Envelope {
	var in []*inbound.Envelope
	for n := first; n <= last; n++ {
		in = append(in, message(t, "web", "w"+strconv.Itoa(n%3), strconv.Itoa(n), "number "+strconv.Itoa(n)))
	}
	return in
}

// checkCursorsInLog checks that each cursor in the log is the number of a message, and that the log up to this record
// contains this message and all earlier ones.
func (h *harness) checkCursorsInLog() {
	h.Helper()
	have := map[string]bool{}
	for i, r := range h.records() {
		for _, ch := range r.GetChanges() {
			if a := ch.GetAccepted(); a != nil {
				have[a.GetVendorId()] = true
			}
		}
		for _, ch := range r.GetChanges() {
			m := ch.GetCursorMoved()
			if m == nil {
				continue
			}
			upto, err := strconv.Atoi(string(m.GetCursor()))
			if err != nil {
				h.Fatalf("cursor %q: %v", m.GetCursor(), err)
			}
			for n := 1; n <= upto; n++ {
				if !have[strconv.Itoa(n)] {
					h.Fatalf("record %d moves the cursor to %d, and message %d is not stored", i+1, upto, n)
				}
			}
		}
	}
}

func TestCursorIsStoredWithTheLastEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		if got := h.cursor("web"); got != "" {
			t.Fatalf("cursor %q at first", got)
		}
		before := h.log.Bounds().Last
		if rest, err := h.AcceptFrom(t.Context(), "web", []byte("3"), numbered(t, 1, 3)); err != nil || len(rest) > 0 {
			t.Fatalf("AcceptFrom = %d, %v", len(rest), err)
		}
		if n := h.log.Bounds().Last - before; n != 1 {
			t.Errorf("%d records, want 1", n)
		}
		if got := h.cursor("web"); got != "3" {
			t.Errorf("cursor %q", got)
		}
		long := numbered(t, 4, 12) // needs several records
		for _, in := range long {
			in.Envelope.Parts[0].Text = strings.Repeat("x", 60<<10)
			in.Bytes = append(in.Bytes, make([]byte, 100<<10)...)
		}
		before = h.log.Bounds().Last
		if rest, err := h.AcceptFrom(t.Context(), "web", []byte("12"), long); err != nil || len(rest) > 0 {
			t.Fatalf("AcceptFrom = %d, %v", len(rest), err)
		}
		records := h.records()[before:]
		if len(records) < 3 {
			t.Fatalf("%d records, want several", len(records))
		}
		for i, r := range records {
			moved := 0
			for _, ch := range r.GetChanges() {
				if ch.GetCursorMoved() != nil {
					moved++
				}
			}
			if want := map[bool]int{true: 1}[i == len(records)-1]; moved != want {
				t.Errorf("record %d of %d moves the cursor %d times, want %d", i+1, len(records), moved, want)
			}
		}
		before = h.log.Bounds().Last
		for range 3 { // batches without envelopes: only the first stores a record, because the cursor does not change again
			if _, err := h.AcceptFrom(t.Context(), "web", []byte("alone"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if n, got := h.log.Bounds().Last-before, h.cursor("web"); n != 1 || got != "alone" {
			t.Errorf("%d records, cursor %q; want 1, alone", n, got)
		}
		if _, err := h.AcceptFrom(t.Context(), "web", nil, numbered(t, 13, 13)); err != nil || h.cursor("web") != "alone" {
			t.Errorf("no cursor: %v, cursor %q; want it as it was", err, h.cursor("web"))
		}
		if _, err := h.AcceptFrom(t.Context(), "web", make([]byte, conversation.MaxCursorBytes+1), nil); !errors.Is(err, ErrTooLarge) {
			t.Errorf("large cursor: %v", err)
		}
	})
}

func TestCursorSurvivesRestartAndSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		accept := func(channel, cursor string) {
			t.Helper()
			if _, err := h.AcceptFrom(t.Context(), channel, []byte(cursor), nil); err != nil {
				t.Fatal(err)
			}
		}
		accept("web", "1")
		accept("desk", "a")
		h.restart() // from a snapshot
		if err := h.disk.Open().Purge(t.Context(), h.disk.Open().Bounds().Last); err != nil {
			t.Fatal(err)
		}
		h.restart()
		accept("web", "2")
		h.crash() // from a snapshot and a record
		h.open()
		defer h.stop()
		if web, desk := h.cursor("web"), h.cursor("desk"); web != "2" || desk != "a" {
			t.Errorf("cursors %q and %q, want 2 and a", web, desk)
		}
	})
}

// TestRefusedBatchIsNotStoredTwice uses envelopes without ids. They are never duplicates, so that AcceptFrom must not
// return a stored one.
func TestRefusedBatchIsNotStoredTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.OpensPerMinute = 12 })
		defer h.stop()
		var in []*inbound.Envelope
		for n := range 6 {
			in = append(in, message(t, "web", "t"+strconv.Itoa(n/2), "", fmt.Sprint("text ", n)))
		}
		busy := 0
		for len(in) > 0 {
			rest, err := h.AcceptFrom(t.Context(), "web", []byte("6"), in)
			switch {
			case errors.Is(err, ErrBusy) && len(rest) > 0 && h.cursor("web") == "":
				busy++
				time.Sleep(5 * time.Second)
			case err != nil || len(rest) > 0 || h.cursor("web") != "6":
				t.Fatalf("AcceptFrom = %d left, %v, cursor %q", len(rest), err, h.cursor("web"))
			}
			in = rest
		}
		if busy == 0 {
			t.Error("nothing had to wait")
		}
		if n := h.accepted()[""]; n != 6 {
			t.Errorf("%d messages were taken in, want 6", n)
		}
	})
}

// TestFailedRecordAcceptsNothing also checks that a batch that returns to the queue is complete.
func TestFailedRecordAcceptsNothing(t *testing.T) {
	for name, fault := range map[string]memory.Fault{"full": memory.Full, "lost": memory.LostUnstored} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t)
				defer h.stop()
				h.log.Fail(fault)
				in := numbered(t, 1, 4)
				rest, err := h.AcceptFrom(t.Context(), "web", []byte("4"), in)
				if !errors.Is(err, ErrUnavailable) || len(rest) != 4 {
					t.Fatalf("AcceptFrom = %d left, %v; want all, ErrUnavailable", len(rest), err)
				}
				if rest, err = h.AcceptFrom(t.Context(), "web", []byte("4"), rest); err != nil || len(rest) > 0 {
					t.Fatalf("AcceptFrom = %d left, %v", len(rest), err)
				}
				h.checkCursorsInLog()
			})
		})
	}
}

// TestUndecidableBatchAcceptsNothing checks that the envelopes before an undecidable one are returned and not stored.
func TestUndecidableBatchAcceptsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		in := numbered(t, 1, 3)
		in[1].Envelope = nil // both the decision and the dead letter panic
		rest, err := h.AcceptFrom(t.Context(), "web", []byte("3"), in)
		if !errors.Is(err, ErrUndecidable) || len(rest) != 3 || h.cursor("web") != "" {
			t.Fatalf("AcceptFrom = %d left, %v, cursor %q; want all", len(rest), err, h.cursor("web"))
		}
		for _, left := range [][]*inbound.Envelope{rest[:1], rest[2:]} {
			if rest, err := h.AcceptFrom(t.Context(), "web", nil, left); err != nil || len(rest) > 0 {
				t.Fatalf("AcceptFrom = %d left, %v", len(rest), err)
			}
		}
		if diff := cmp.Diff(map[string]int{"1": 1, "3": 1}, h.accepted()); diff != "" {
			t.Errorf("taken in (-want +got):\n%s", diff)
		}
	})
}

// TestCursorAfterCrashes runs a subscription with failures of the log and kills of the gateway at each point. After
// each start, the adapter continues from the stored cursor and repeats the batches that were not acknowledged.
func TestCursorAfterCrashes(t *testing.T) {
	const messages, size = 20, 4
	for _, fault := range []memory.Fault{memory.LostStored, memory.LostUnstored, memory.Full, memory.None} {
		for place := range 8 {
			t.Run(fmt.Sprintf("fault %d at append %d", fault, place), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := openHarness(t)
					for range place {
						h.log.Fail(memory.None)
					}
					h.log.Fail(fault)
					for emits, upto := 0, 0; upto < messages; emits++ {
						last := min(upto+size, messages)
						_, err := h.AcceptFrom(t.Context(), "web", []byte(strconv.Itoa(last)), numbered(t, upto+1, last))
						if emits == place || err != nil { // killed before the acknowledgement
							h.crash()
							h.open()
						}
						upto, _ = strconv.Atoi(h.cursor("web"))
						if err == nil && upto != last {
							t.Fatalf("cursor %d after a batch up to %d was stored", upto, last)
						}
						h.repeat(upto, size) // as if the cursor were that of the previous batch
					}
					if err := h.stop(); err != nil {
						t.Errorf("Run = %v", err)
					}
					h.checkCursorsInLog()
					h.checkRestored()
					want := map[string]int{}
					for n := 1; n <= messages; n++ {
						want[strconv.Itoa(n)] = 1
					}
					if diff := cmp.Diff(want, h.accepted()); diff != "" {
						t.Errorf("taken in (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// repeat emits the stored envelopes again, with the stored cursor.
func (h *harness) repeat(upto, size int) {
	h.Helper()
	if upto == 0 {
		return
	}
	in := numbered(h, max(1, upto-size+1), upto)
	for range 2 { // the log may fail once
		rest, err := h.AcceptFrom(context.Background(), "web", []byte(strconv.Itoa(upto)), in)
		if err == nil && len(rest) == 0 {
			return
		}
		in = rest
	}
	h.Fatalf("a repeated batch is left: %d", len(in))
}
