package writer

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/jetstream"
)

// diskWriter is a writer over a log on disk. A test can take the log from it as another process would.
type diskWriter struct {
	*Writer
	t    *testing.T
	log  *jetstream.Log
	stop func()
}

func startDiskWriter(ctx context.Context, t *testing.T, dir string, ids *atomic.Int64) *diskWriter {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := jetstream.Open(ctx, jetstream.Options{Dir: dir, Cap: 64 << 20, AckTimeout: time.Second, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	w := New(Options{
		Log: log, Policy: newPolicy(t), Lanes: &fakeLanes{}, Observer: &commits{}, Logger: quiet, Version: "test",
		NewID: func() string { return strconv.FormatInt(ids.Add(1), 10) },
	})
	if err := w.Start(ctx); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(running) }()
	return &diskWriter{w, t, log, func() { stop(); <-done }}
}

// cursor returns the channel's cursor as a number, 0 if there is none.
func (m *diskWriter) cursor(ctx context.Context) int {
	m.t.Helper()
	var c []byte
	if err := m.View(ctx, func(b *state.State) { c = b.Cursor("web") }); err != nil {
		m.t.Fatal(err)
	}
	n, _ := strconv.Atoi(string(c))
	return n
}

// accepted returns the number of times that each id was accepted.
func (m *diskWriter) accepted(ctx context.Context) map[string]int {
	m.t.Helper()
	n := map[string]int{}
	err := m.log.Read(ctx, 0, func(_ uint64, data []byte) error {
		var r journal.Record
		if err := proto.Unmarshal(data, &r); err != nil {
			return err
		}
		for _, ch := range r.GetChanges() {
			if a := ch.GetAccepted(); a != nil {
				n[a.GetVendorId()]++
			}
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

// TestCursorOnDisk takes the log from the writer during a subscription. After the next start, the cursor must match the
// stored envelopes: none is missing, and repeated ones are duplicates.
func TestCursorOnDisk(t *testing.T) {
	const messages, size, emits = 60, 3, 6
	dir, ids := t.TempDir(), &atomic.Int64{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	starts := 0
	for done := false; !done; starts++ {
		m := startDiskWriter(ctx, t, dir, ids)
		from, closeLog := m.cursor(ctx), sync.OnceValue(m.log.Close)
		var err error
		for n, upto := 0, max(0, from-size-1); n < emits && upto < messages && err == nil; n++ { // repeats some envelopes
			if n == emits-1 {
				go func() { _ = closeLog() }()
			}
			last := min(upto+size, messages)
			_, err = m.AcceptFrom(ctx, "web", []byte(strconv.Itoa(max(last, from))), numbered(t, upto+1, last))
			if err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrStopping) {
				t.Fatal(err)
			}
			upto = last
		}
		if done = from == messages; done {
			want := map[string]int{}
			for n := 1; n <= messages; n++ {
				want[strconv.Itoa(n)] = 1
			}
			if diff := cmp.Diff(want, m.accepted(ctx)); diff != "" {
				t.Errorf("taken in (-want +got):\n%s", diff)
			}
		}
		m.stop()
		if err := closeLog(); err != nil {
			t.Fatal(err)
		}
	}
	if starts < 4 {
		t.Errorf("done after %d starts, want some in the middle", starts)
	}
}
