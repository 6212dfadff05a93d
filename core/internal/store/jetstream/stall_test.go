package jetstream

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/store"
)

// If a write fails, the server reports no error, and the append gets no response.
func TestStalledAppendIsNotWritable(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	h.loseResponse(t, true)
	h.log.options.AckTimeout = time.Minute
	done := make(chan error, 1)
	go func() { done <- h.log.Append(t.Context(), 0, []byte("record")) }()
	await(t, "the log is not writable during the append", func() bool {
		return strings.Contains(h.log.Health().Reason, "has not completed a write")
	})
	select {
	case err := <-done:
		t.Errorf("Append = %v before the answer", err)
	default:
	}
	h.log.engine.Load().appends.Close()
	if err := <-done; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Append = %v, want ErrUnavailable", err)
	}
}

func TestFailedServerEndsTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := Open(withTimeout(t), Options{Dir: dir, Logger: testLogger(t)})
	if err == nil || !strings.Contains(err.Error(), "start the embedded server") || time.Since(began) > time.Minute {
		t.Errorf("Open = %v after %s, want the server's error soon", err, time.Since(began))
	}
}
