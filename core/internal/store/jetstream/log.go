package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/core/internal/store"
)

// Log is a [store.Log] on a local disk. Only one process at a time can open it.
type Log struct {
	options Options
	folder  *folder
	logger  *slog.Logger
	limit   uint64 // cap of the log in bytes
	freeLow uint64 // the log is not writable while fewer bytes are free
	reserve uint64 // writes fail while fewer bytes are free

	damaged []store.Damaged // found by Open

	engine  atomic.Pointer[engine] // nil while the server restarts
	inDoubt atomic.Bool            // the outcome of a write is unknown; Recover resets it
	closed  atomic.Bool

	mu      sync.Mutex // guards the next three fields
	bounds  store.Bounds
	missing []store.Range
	free    uint64 // last sample minus the bytes written since

	blocks blockNames                // of the log stream
	sent   atomic.Pointer[time.Time] // time of the append that is not acknowledged yet; nil if there is none

	watermarkMu sync.Mutex // guards watermark and its file
	watermark   watermark  // as last written

	engineMu   sync.Mutex   // held while the engine is replaced or stopped
	snapshotMu sync.Mutex   // held while a snapshot is saved or loaded
	base       *manifest    // the snapshot saved or loaded last; guarded by snapshotMu
	backup     sync.RWMutex // held while a backup runs; a purge holds it for reading
	stopWatch  context.CancelFunc
	watcher    sync.WaitGroup
}

var _ store.Log = (*Log)(nil)

// runningEngine returns the engine, or an error if the log is closed or restarting.
func (l *Log) runningEngine() (*engine, error) {
	if l.closed.Load() {
		return nil, store.ErrClosed
	}
	e := l.engine.Load()
	if e == nil {
		return nil, fmt.Errorf("%w: the embedded server is down", store.ErrUnavailable)
	}
	return e, nil
}

// Bounds implements [store.Log].
func (l *Log) Bounds() store.Bounds {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bounds
}

// refreshBounds reads the extent of the log from the server.
func (l *Log) refreshBounds(ctx context.Context, e *engine) (store.Bounds, error) {
	info, err := e.logStream.Info(ctx)
	if err != nil {
		return store.Bounds{}, fmt.Errorf("%w: read the extent of the log: %w", store.ErrUnavailable, err)
	}
	b := store.Bounds{First: info.State.FirstSeq, Last: info.State.LastSeq, Bytes: info.State.Bytes, Cap: l.limit}
	if info.State.Msgs == 0 {
		b.First = b.Last + 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bounds = b
	return b, nil
}

// Close implements [store.Log].
func (l *Log) Close() error {
	if l.closed.Swap(true) {
		return fmt.Errorf("close the store: %w", store.ErrClosed)
	}
	l.stopWatch()
	l.watcher.Wait()
	l.engineMu.Lock()
	defer l.engineMu.Unlock()
	if e := l.engine.Swap(nil); e != nil {
		e.stop()
	}
	if err := errors.Join(l.updateWatermark(true), l.folder.unlock()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}
