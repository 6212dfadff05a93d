package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"patchbay/core/internal/store"
)

// Log is a [store.Log] on the disk of this machine. One process at a time may have it open.
type Log struct {
	options Options
	names   names
	folder  *folder
	logger  *slog.Logger
	limit   uint64 // bytes that the records may take
	freeLow uint64 // free bytes under which the log isn't writable
	reserve uint64 // free bytes under which nothing is stored

	engine atomic.Pointer[engine]
	doubt  atomic.Bool // an append or a part of a snapshot got no answer
	closed atomic.Bool

	mu      sync.Mutex // guards the fields below
	bounds  store.Bounds
	missing []store.Range
	free    uint64 // sampled, less what was stored since

	marking sync.Mutex // guards marked and the file of the mark
	marked  mark

	life    sync.Mutex // held while the engine is replaced or stopped
	saving  sync.Mutex // held while a snapshot is saved or loaded
	base    *manifest  // the snapshot saved or loaded last; guarded by saving
	ending  context.CancelFunc
	watcher sync.WaitGroup
}

var _ store.Log = (*Log)(nil)

// Append implements [store.Log].
func (l *Log) Append(ctx context.Context, last uint64, record []byte) error {
	if err := l.append(ctx, last, record); err != nil {
		return fmt.Errorf("append record %d: %w", last+1, err)
	}
	return nil
}

func (l *Log) append(ctx context.Context, last uint64, record []byte) error {
	if n := len(record); n == 0 || n > store.MaxRecord {
		return fmt.Errorf("%w: %d bytes", store.ErrRecordSize, n)
	}
	e, err := l.running()
	switch {
	case err != nil:
		return err
	case l.doubt.Load():
		return fmt.Errorf("%w: an earlier write is in doubt", store.ErrUnavailable)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	size := storedSize(l.names.logSubject, last, len(record))
	if err := l.room(size); err != nil {
		return err
	}
	err = e.logPublisher.publish(ctx, l.names.logSubject, last, record, l.options.AckTimeout)
	return l.settle(err, last, size)
}

// settle takes note of the outcome of an append.
func (l *Log) settle(err error, last, size uint64) error {
	switch {
	case err == nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.bounds.Empty() {
			l.bounds.First = last + 1
		}
		l.bounds.Last = last + 1
		l.bounds.Bytes += size
		l.free -= min(size, l.free)
		return nil
	case errors.Is(err, errStoreRefused) && l.atCap(size):
		return fmt.Errorf("%w: the cap of %d bytes is reached: %w", store.ErrFull, l.limit, err)
	case errors.Is(err, errStoreRefused):
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if errors.Is(err, store.ErrUnavailable) {
		l.doubt.Store(true)
	}
	return err
}

// running returns the engine, or why there is none.
func (l *Log) running() (*engine, error) {
	if l.closed.Load() {
		return nil, store.ErrClosed
	}
	e := l.engine.Load()
	if e == nil {
		return nil, fmt.Errorf("%w: the server is down", store.ErrUnavailable)
	}
	return e, nil
}

// Bounds implements [store.Log].
func (l *Log) Bounds() store.Bounds {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bounds
}

// atCap reports whether size more bytes don't fit under the cap.
func (l *Log) atCap(size uint64) bool {
	b := l.Bounds()
	return b.Bytes+size > b.Cap
}

// refresh asks the server for the extent of the log.
func (l *Log) refresh(ctx context.Context, e *engine) (store.Bounds, error) {
	info, err := e.logStream.Info(ctx)
	if err != nil {
		return store.Bounds{}, fmt.Errorf("%w: ask for the extent of the log: %w", store.ErrUnavailable, err)
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
	l.ending()
	l.watcher.Wait()
	l.life.Lock()
	defer l.life.Unlock()
	if e := l.engine.Swap(nil); e != nil {
		e.stop()
	}
	if err := errors.Join(l.setMark(true), l.folder.release()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// storedSize is what a record of n bytes after last takes in the file store: the server keeps the guard with it.
func storedSize(subject string, last uint64, n int) uint64 {
	const frame = 4 + 8 + 8 + 2 + 4 + 8 // length, sequence, time, subject length, header length, checksum
	header := len("NATS/1.0\r\n") + len(expectedLastSequence) + len(": \r\n\r\n") + len(strconv.FormatUint(last, 10))
	return uint64(frame + len(subject) + header + n)
}
