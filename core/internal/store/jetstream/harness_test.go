package jetstream

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"patchbay/core/internal/store"
	"patchbay/core/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(runChild(dir))
	}
	goleak.VerifyTestMain(m)
}

func TestLog(t *testing.T) {
	storetest.Run(t, func(t *testing.T, limit uint64) *storetest.Harness {
		return newHarness(t, Options{Dir: t.TempDir(), Cap: limit}).Harness
	})
}

// harness opens the store in one folder repeatedly.
type harness struct {
	*storetest.Harness
	options Options
	log     *Log
}

func newHarness(t *testing.T, options Options) *harness {
	if options.FreeLow == 0 {
		options.FreeLow = 1 << 20
	}
	options.Logger = testLogger(t)
	h := &harness{Harness: &storetest.Harness{}, options: options}
	h.open(t)
	t.Cleanup(func() { h.log.Close() })
	h.Reopen = func(t *testing.T) store.Log {
		h.log.Close()
		return h.open(t)
	}
	h.AppendAsRival = func(t *testing.T, record []byte) {
		if _, err := h.log.engine.Load().reads.Request(logSubject, record, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	h.LoseResponse = h.loseResponse
	h.DamageSnapshot = func(t *testing.T, text []byte) store.Log {
		h.log.Close()
		damageBlock(t, h.options.Dir, text)
		return h.open(t)
	}
	return h
}

func (h *harness) open(t *testing.T) *Log {
	t.Helper()
	log, err := Open(t.Context(), h.options)
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	h.log, h.Log = log, log
	return log
}

// loseResponse makes the next append get no response. The server stores the append only if stored is true.
func (h *harness) loseResponse(t *testing.T, stored bool) {
	e := h.log.engine.Load()
	noAck := &publisher{conn: e.appends, down: e.down, acks: make(chan *nats.Msg), guard: make([]string, 1),
		timer: time.NewTimer(0), msg: e.logPublisher.msg}
	if !stored {
		e.appends.Close()
	}
	noAck.msg.Header[expectedLastSequence] = noAck.guard
	e.logPublisher = noAck
	h.log.options.AckTimeout = 100 * time.Millisecond
}

// damageBlock changes two bytes of text in the block file that contains text.
func damageBlock(t *testing.T, dir string, text []byte) {
	t.Helper()
	flipped := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".blk") {
			return err
		}
		content, err := os.ReadFile(path)
		if at := bytes.Index(content, text); err == nil && at >= 0 {
			content[at] ^= 1
			content[at+len(text)/2] ^= 1
			flipped++
			err = os.WriteFile(path, content, 0o600)
		}
		return err
	})
	if err != nil || flipped != 1 {
		t.Fatalf("changed %d files, error %v, want 1, nil", flipped, err)
	}
}

// testLogger returns a logger that writes to the output of the test.
func testLogger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil)).With("test", t.Name())
}

func withTimeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// await waits until done returns true.
func await(t *testing.T, condition string, done func() bool) {
	t.Helper()
	ctx := withTimeout(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("timeout: want that %s", condition)
		case <-tick.C:
		}
	}
}
